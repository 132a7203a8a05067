"""The tab of a folder: its table, and what one does with files."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from vispa_panel.components.file_browser import FileBrowser
from vispa_panel.workspace.file_names import display_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.pages.context import ToolContext


class FolderTab(pn.viewable.Viewer):
    """Browses from one folder on; new, upload, download, rename and delete stand in the bar."""

    def __init__(self, context: ToolContext, path: str) -> None:
        super().__init__()
        self._context = context
        self._controller = controller = context.controller
        self._ask = pmui.Dialog(width_option="xs", close_on_click=True)
        self.browser = FileBrowser(
            lambda: controller.files,
            on_open=lambda chosen: controller.spawn(controller.open_path(chosen)),
            spawn=controller.spawn,
            actions=self._actions(),
            folder=path,
        )
        some = self.browser.param.selected.rx.len()
        for button in (self._download, self._rename, self._delete):
            button.disabled = some == 0
        controller.param.watch(self._changed, "changed_folder")

    def _button(self, label: str, icon: str, action: Callable[[], None]) -> pmui.Button:
        return pmui.Button(
            label=label,
            icon=icon,
            size="small",
            variant="text",
            margin=4,
            on_click=lambda _: action(),
        )

    def _actions(self) -> tuple[pmui.Button, ...]:
        self._download = self._button("Download", "download", self._download_selected)
        self._rename = self._button("Rename", "edit", self._ask_name)
        self._delete = self._button("Delete", "delete", self._ask_delete)
        return (
            self._button("New file", "note_add", lambda: self._ask_new("file")),
            self._button("New folder", "create_new_folder", lambda: self._ask_new("folder")),
            self._button("Upload", "upload", self._upload),
            self._download,
            self._rename,
            self._delete,
        )

    def _changed(self, *_: object) -> None:
        if self._controller.changed_folder == self.browser.folder:
            self._controller.spawn(self.browser.refresh())

    def _upload(self) -> None:
        self._context.upload_folder = ""
        self._context.upload_folder = self.browser.folder

    def _download_selected(self) -> None:
        for entry in self.browser.selected:
            self._context.download(entry)

    def _ask_new(self, kind: str) -> None:
        make = self._controller.new_file if kind == "file" else self._controller.new_folder
        self._ask_for_name(
            f"New {kind}", "", lambda name: self._controller.spawn(make(self.browser.folder, name))
        )

    def _ask_name(self) -> None:
        if self.browser.selected:
            entry = self.browser.selected[0]
            self._ask_for_name(
                "Rename",
                entry.name,
                lambda name: self._controller.spawn(self._controller.rename(entry.path, name)),
            )

    def _ask_for_name(self, title: str, value: str, done: Callable[[str], None]) -> None:
        field = pmui.TextInput(
            label="Name", value=value, sizing_mode="stretch_width", max_length=255
        )

        def finish(_: object) -> None:
            self._ask.open = False
            done((field.value_input or field.value).strip())

        field.param.watch(finish, "enter_pressed")
        self._ask.objects = [
            pmui.Column(
                field, pmui.Button(label="OK", on_click=finish), sizing_mode="stretch_width"
            )
        ]
        self._ask.param.update(title=title, open=True)

    def _ask_delete(self) -> None:
        chosen = self.browser.selected
        if not chosen:
            return
        names = ", ".join(display_name(entry.name) for entry in chosen[:5])
        more = f" and {len(chosen) - 5} more" if len(chosen) > 5 else ""  # noqa: PLR2004

        def finish(_: object) -> None:
            self._ask.open = False
            for entry in chosen:
                self._controller.spawn(self._controller.delete(entry.path))

        self._ask.objects = [
            pmui.Column(
                pmui.Typography(f"{names}{more} will be gone for good.", variant="body1"),
                pmui.Button(label="Delete for good", color="error", on_click=finish),
            )
        ]
        self._ask.param.update(title="Delete?", open=True)

    def __panel__(self) -> pn.viewable.Viewable:
        """The browser; its dialog appears above when something is asked."""
        return pmui.Column(self.browser, self._ask, sizing_mode="stretch_both", margin=0)

    @staticmethod
    def title_of(path: str) -> str:
        """A folder's tab is named after it."""
        return display_name(posixpath.basename(path.rstrip("/")) or "/")
