"""The tree of files in the side bar: folders open in place, files open in tabs."""

from __future__ import annotations

import asyncio
import posixpath
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.components.background import spawn
from vispa_panel.errors import PortalError
from vispa_panel.workspace.file_names import display_name
from vispa_panel.workspace.files import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from vispa_panel.workspace.files import FileEntry, Files

MOST_CHILDREN = 150
"""Names shown of one folder; the rest is seen by opening the folder in a tab."""

PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}


def _icon(entry: FileEntry) -> str:
    if entry.kind is EntryKind.FOLDER:
        return "folder"
    ending = posixpath.splitext(entry.name)[1].lower()
    if ending in PICTURES:
        return "image"
    return "pdf" if ending == ".pdf" else "doc"


class FileTree(pn.viewable.Viewer):
    """A tree of one :class:`~vispa_panel.workspace.files.Files`, loaded folder by folder.

    ``on_open`` is called with the path of a file that was chosen, or of a folder that has more
    names than the tree shows.
    """

    folder = param.String(
        allow_refs=True, doc="The folder at the root, absolute; empty shows nothing."
    )
    show_hidden = param.Boolean(default=False, doc="Whether names beginning with a dot are shown.")
    problem = param.String(doc="Why a folder could not be listed; empty when all is well.")

    def __init__(
        self,
        files: Callable[[], Files],
        *,
        on_open: Callable[[str], object],
        spawn: Callable[[Coroutine[Any, Any, None]], object] = spawn,
        **params: object,
    ) -> None:
        self._files = files
        self._spawn = spawn
        self._on_open = on_open
        self._listed: dict[str, tuple[tuple[FileEntry, ...], int]] = {}
        self._paths: dict[tuple[int, ...], tuple[str, bool]] = {}
        self._open: set[str] = set()
        self._loading: set[str] = set()
        super().__init__(**params)
        self._tree: pmui.Tree | None = None
        self._place = pmui.Column(sizing_mode="stretch_width", margin=0)
        self._note = pmui.Typography(
            self.param.problem,
            variant="body2",
            color="error",
            visible=self.param.problem.rx.bool(),
            margin=8,
        )

    async def refresh(self, folder: str | None = None) -> None:
        """List ``folder`` again (the root by default) and every open folder below it."""
        root = folder or self.folder
        if not root or (root != self.folder and root not in self._listed):
            return
        below = [path for path in self._open if path.startswith(root.rstrip("/") + "/")]
        for path in dict.fromkeys((root, *below)):
            await self._list(path)
        self._draw()

    @param.depends("folder", "show_hidden", watch=True)
    def _restart(self) -> None:
        self._open.clear()
        self._listed.clear()
        if self.folder:
            self._spawn(self.refresh())
        elif self._tree is not None:
            self._draw()

    async def _list(self, path: str) -> None:
        try:
            listing = await self._files().list_folder(path)
        except PortalError as error:
            self.problem = error.advice
            self._listed.setdefault(path, ((), 0))
            return
        entries = tuple(
            entry for entry in listing.entries if self.show_hidden or not entry.name.startswith(".")
        )
        self.problem = ""
        self._listed[path] = (entries[:MOST_CHILDREN], max(0, len(entries) - MOST_CHILDREN))

    def _draw(self) -> None:
        self._paths.clear()
        items = self._items(self.folder, ())
        expanded = [
            place for place, (path, folder) in self._paths.items() if folder and path in self._open
        ]
        if self._tree is None:
            # A tree that is drawn empty does not always take its first names: it is made with them.
            self._tree = self._make_tree(items)
            self._place.append(self._tree)
            return
        with param.parameterized.discard_events(self._tree):
            self._tree.active = []
        self._tree.items = items
        self._tree.expanded = expanded

    def _make_tree(self, items: list[dict[str, Any]]) -> pmui.Tree:
        tree = pmui.Tree(
            items=items,
            multi_select=False,
            level_indent=12,
            sizing_mode="stretch_width",
            margin=0,
        )
        tree.param.watch(self._expanded, "expanded")
        tree.param.watch(self._chosen, "active")
        return tree

    def _items(self, folder: str, place: tuple[int, ...]) -> list[dict[str, Any]]:
        entries, more = self._listed.get(folder, ((), 0))
        items: list[dict[str, Any]] = []
        for number, entry in enumerate(entries):
            here = (*place, number)
            is_folder = entry.kind is EntryKind.FOLDER
            self._paths[here] = (entry.path, is_folder)
            item: dict[str, Any] = {
                "id": entry.path,
                "label": display_name(entry.name),
                "file_type": _icon(entry),
            }
            if is_folder:
                # A folder that was never listed carries one quiet line, so that it can be opened.
                item["items"] = self._items(entry.path, here) or [
                    {
                        "id": f"{entry.path}/",
                        "label": self._quiet_line(entry.path),
                        "selectable": False,
                        "disabled": True,
                    }
                ]
            items.append(item)
        if more:
            here = (*place, len(entries))
            self._paths[here] = (folder, False)
            items.append({"id": f"{folder}//more", "label": f"{more:,} more: show all in a tab"})
        return items

    def _quiet_line(self, folder: str) -> str:
        return "empty" if folder in self._listed else "…"

    def _expanded(self, event: param.parameterized.Event) -> None:
        now = {self._paths[tuple(place)][0] for place in event.new if tuple(place) in self._paths}
        new = now - self._open - self._loading
        self._open = now
        if new:
            self._spawn(self._load(new))

    async def _load(self, new: set[str]) -> None:
        self._loading |= new
        try:
            await asyncio.gather(*(self._list(path) for path in new))
        finally:
            self._loading -= new
        self._draw()

    def _chosen(self, event: param.parameterized.Event) -> None:
        for place in event.new or ():
            path, is_folder = self._paths.get(tuple(place), ("", True))
            if path and not is_folder:
                self._on_open(path)
        if event.new and self._tree is not None:
            # A name that stayed chosen would not answer to the next click.
            self._tree.active = []

    def __panel__(self) -> pn.viewable.Viewable:
        """The tree, with a note when something could not be listed."""
        return pmui.Column(self._note, self._place, sizing_mode="stretch_width", margin=0)
