"""One folder as a table: breadcrumbs, a virtual list for any number of names, and actions."""

from __future__ import annotations

import asyncio
import posixpath
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.components.background import spawn
from vispa_panel.components.region import Region
from vispa_panel.components.style import sheet
from vispa_panel.errors import PortalError
from vispa_panel.workspace.file_names import display_name
from vispa_panel.workspace.files import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from vispa_panel.workspace.files import FileEntry, Files

PAGE = 500
"""Rows on one page of the table; the browser never holds more, and draws those in sight."""

FILTERED_AT_ONCE = 2000
"""More names than this are filtered in a thread."""

KIND_WORDS = {
    EntryKind.FOLDER: "Folder",
    EntryKind.FILE: "File",
    EntryKind.LINK: "Broken link",
    EntryKind.OTHER: "Special",
}


def size_in_words(size: int) -> str:
    """A size in bytes as a person says it: ``12 B``, ``3.4 kB``, ``1.2 GB`` (powers of 1000)."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - the step between SI units
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _row(entry: FileEntry) -> dict[str, Any]:
    modified = datetime.fromtimestamp(max(0.0, entry.modified), tz=UTC)
    return {
        "Name": display_name(entry.name) + ("/" if entry.kind is EntryKind.FOLDER else ""),
        "Size": "" if entry.kind is EntryKind.FOLDER else size_in_words(entry.size),
        "Modified": modified.strftime("%Y-%m-%d %H:%M"),
        "Kind": KIND_WORDS[entry.kind] + (" (link)" if entry.is_link else ""),
    }


def _chosen(
    entries: tuple[FileEntry, ...],
    text: str,
    show_hidden: bool,  # noqa: FBT001 - one question
) -> tuple[FileEntry, ...]:
    wanted = text.casefold()
    return tuple(
        entry
        for entry in entries
        if (show_hidden or not entry.name.startswith("."))
        and wanted in display_name(entry.name).casefold()
    )


NARROW = {
    "responsiveLayout": "hide",
    "columns": [
        {"field": "Name", "minWidth": 170, "responsive": 0},
        {"field": "Size", "minWidth": 90, "responsive": 1},
        {"field": "Modified", "minWidth": 140, "responsive": 2},
        {"field": "Kind", "minWidth": 110, "responsive": 3},
    ],
}
"""Which columns a phone gives up first: the highest number, never the name. Widths in pixels."""


class FileBrowser(pn.viewable.Viewer):
    """A folder of one :class:`~vispa_panel.workspace.files.Files`.

    A click on a name chooses it, a double click or "Open" opens it: folders in place, files by
    ``on_open``. ``selected`` holds the chosen entries; a page puts its own buttons into
    ``actions``.
    """

    folder = param.String(doc="The folder shown, absolute.")
    selected: tuple[FileEntry, ...] = param.ClassSelector(
        class_=tuple, default=(), doc="The chosen FileEntry values."
    )  # type: ignore[assignment]
    show_hidden = param.Boolean(default=False, doc="Whether names beginning with a dot are shown.")
    filter_text = param.String(default="", doc="Only names that contain this text are shown.")
    problem = param.String(doc="Why the folder cannot be listed; empty when all is well.")

    def __init__(
        self,
        files: Callable[[], Files],
        *,
        on_open: Callable[[str], object],
        actions: tuple[pn.viewable.Viewable, ...] = (),
        spawn: Callable[[Coroutine[Any, Any, Any]], object] = spawn,
        **params: object,
    ) -> None:
        self._files = files
        self._on_open = on_open
        self._spawn = spawn
        self._all: tuple[FileEntry, ...] = ()
        self._entries: tuple[FileEntry, ...] = ()
        self._drawn: tuple[FileEntry, ...] = ()
        self._page = 0
        super().__init__(**params)
        self._path = pmui.Breadcrumbs(items=[], margin=(4, 8), sizing_mode="stretch_width")
        self._path.param.watch(self._climb, "active")
        self._table: pn.widgets.Tabulator | None = None
        self._place = pmui.Column(sizing_mode="stretch_both", margin=0)
        self._open_button = pmui.Button(
            label="Open",
            icon="open_in_new",
            size="small",
            variant="outlined",
            margin=4,
            disabled=self.param.selected.rx.len() == 0,
            on_click=self._open_selected,
        )
        self._filter = pmui.TextInput.from_param(
            self.param.filter_text,
            label="Filter names",
            description="",
            size="small",
            width=180,
            margin=4,
        )
        self._pages = pmui.Pagination(count=1, value=0, size="small", visible=False, margin=4)
        self._pages.param.watch(self._turn, "value")
        self._summary = pmui.Typography("", variant="caption", margin=(4, 8))
        self._note = pmui.Alert(
            title=self.param.problem,
            severity="warning",
            visible=self.param.problem.rx.bool(),
            margin=4,
        )
        self._bar = pmui.FlexBox(self._open_button, *actions, self._filter, margin=0)
        if self.folder:
            self._reload()

    @param.depends("folder", watch=True)
    def _reload(self) -> None:
        self.selected = ()
        self._draw_path()
        self._spawn(self.refresh())

    async def refresh(self) -> None:
        """List the folder again."""
        folder = self.folder
        try:
            listing = await self._files().list_folder(folder)
        except PortalError as error:
            self._all = ()
            self.problem = error.advice
        else:
            if folder != self.folder:
                return
            self._all = listing.entries
            self.problem = (
                "Only the first names are shown; use the terminal for this folder."
                if listing.truncated
                else ""
            )
        await self._show()

    @param.depends("filter_text", "show_hidden", watch=True)
    def _narrow(self) -> None:
        self._spawn(self._show())

    async def _show(self) -> None:
        """Choose what is shown and begin at the first page."""
        asked = (self._all, self.filter_text, self.show_hidden)
        if len(self._all) > FILTERED_AT_ONCE:
            found = await asyncio.to_thread(_chosen, *asked)
        else:
            found = _chosen(*asked)
        if asked[0] is not self._all or asked[1:] != (self.filter_text, self.show_hidden):
            return  # a newer question is being answered
        self._entries = found
        self._page = 0
        pages = max(1, -(-len(found) // PAGE))
        self._pages.param.update(count=pages, value=0, visible=pages > 1)
        self._draw()
        hidden = len(self._all) - len(found)
        count = f"{len(found):,} entries"
        self._summary.object = f"{count}, {hidden:,} hidden" if hidden else count

    def _turn(self, event: param.parameterized.Event) -> None:
        if event.new != self._page and 0 <= event.new < self._pages.count:
            self._page = event.new
            self._draw()

    def _draw(self) -> None:
        start = self._page * PAGE
        self._drawn = self._entries[start : start + PAGE]
        self.selected = ()
        rows = [_row(entry) for entry in self._drawn]
        self._fill(pd.DataFrame(rows, columns=["Name", "Size", "Modified", "Kind"]))

    def _fill(self, rows: pd.DataFrame) -> None:
        # The table in the browser takes new rows only once it stands, so it is made with its first.
        if self._table is None:
            self._table = self._make_table(rows)
            self._place.append(self._table)
            return
        self._table.param.update(value=rows, sortable=self._pages.count == 1)
        if self._table.selection:
            self._table.selection = []

    def _make_table(self, rows: pd.DataFrame) -> pn.widgets.Tabulator:
        table = pn.widgets.Tabulator(
            rows,
            show_index=False,
            disabled=True,
            selectable=True,
            pagination=None,  # said, or Panel makes pages of its own
            # Of several pages a column would sort only the one in sight.
            sortable=self._pages.count == 1,
            layout="fit_columns",
            widths={"Size": 90, "Modified": 140, "Kind": 110},
            text_align={"Size": "right"},
            configuration=NARROW,
            theme="materialize",
            sizing_mode="stretch_both",
            min_height=160,
            margin=0,
            stylesheets=[sheet("file_browser")],
        )
        table.param.watch(self._choose, "selection")
        table.on_click(self._clicked)
        return table

    def _draw_path(self) -> None:
        self._crumbs = ["/"]
        for part in self.folder.strip("/").split("/"):
            if part:
                self._crumbs.append(posixpath.join(self._crumbs[-1], part))
        labels = ["/", *(display_name(posixpath.basename(one)) for one in self._crumbs[1:])]
        with param.parameterized.discard_events(self._path):
            self._path.active = None
        self._path.items = [{"label": label} for label in labels]

    def _climb(self, event: param.parameterized.Event) -> None:
        place = event.new[0] if isinstance(event.new, tuple | list) else event.new
        if isinstance(place, int) and 0 <= place < len(self._crumbs):
            self.folder = self._crumbs[place]

    def _choose(self, event: param.parameterized.Event) -> None:
        count = len(self._drawn)
        self.selected = tuple(self._drawn[row] for row in event.new if 0 <= row < count)

    def _clicked(self, event: Any) -> None:  # noqa: ANN401 - Panel's CellClickEvent is untyped
        if event.column == "Name" and 0 <= event.row < len(self._drawn):
            self._open(self._drawn[event.row])

    def _open_selected(self, _: object) -> None:
        for entry in self.selected:
            self._open(entry)

    def _open(self, entry: FileEntry) -> None:
        if entry.kind is EntryKind.FOLDER:
            self.folder = entry.path
        else:
            self._on_open(entry.path)

    def __panel__(self) -> pn.viewable.Viewable:
        """The path, the bar, and the table."""
        return pmui.Column(
            self._path,
            self._bar,
            self._note,
            Region(self._place, label="Files", sizing_mode="stretch_both", margin=0),
            pmui.FlexBox(self._summary, self._pages, margin=0),
            sizing_mode="stretch_both",
            margin=0,
        )
