"""The built-in tools, registered as any extension registers its own."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from vispa_panel.components.image_gallery import MEDIA_TYPES
from vispa_panel.extensions import Registry, Tool
from vispa_panel.pages.editor_tab import EditorTab
from vispa_panel.pages.folder_tab import FolderTab
from vispa_panel.pages.picture_tab import PictureTab
from vispa_panel.pages.terminal_tab import TerminalTab
from vispa_panel.workspace.file_names import display_name
from vispa_panel.workspace.files import EntryKind

if TYPE_CHECKING:
    from vispa_panel.workspace.controller import WorkspaceController
    from vispa_panel.workspace.files import FileEntry


def _file_title(_: object, path: str) -> str:
    return display_name(posixpath.basename(path))


def _edits(entry: FileEntry) -> int:
    return 10 if entry.kind is EntryKind.FILE else 0


def _shows_picture(entry: FileEntry) -> int:
    ending = posixpath.splitext(entry.name)[1].lower()
    return 50 if entry.kind is EntryKind.FILE and ending in MEDIA_TYPES else 0


def _shows_folder(entry: FileEntry) -> int:
    return 50 if entry.kind is EntryKind.FOLDER else 0


async def _new_terminal(controller: WorkspaceController) -> str:
    return await controller.services.terminals.open()


async def _end_terminal(controller: WorkspaceController, terminal_id: str) -> None:
    await controller.services.terminals.close(terminal_id)


async def _close_document(controller: WorkspaceController, path: str) -> None:
    await controller.documents.close(path)


async def _home_folder(controller: WorkspaceController) -> str:
    return controller.home


def register(registry: Registry) -> None:
    """Add the built-in tools."""
    registry.add(
        Tool(
            name="editor",
            icon="description",
            build=EditorTab,
            title=_file_title,
            opens=_edits,
            closed=_close_document,
        )
    )
    registry.add(
        Tool(
            name="picture", icon="image", build=PictureTab, title=_file_title, opens=_shows_picture
        )
    )
    registry.add(
        Tool(
            name="terminal",
            icon="terminal",
            build=TerminalTab,
            title=lambda *_: "Terminal",
            launcher_label="New terminal",
            launch=_new_terminal,
            closed=_end_terminal,
        )
    )
    registry.add(
        Tool(
            name="folder",
            icon="folder",
            build=FolderTab,
            title=lambda _, path: FolderTab.title_of(path),
            opens=_shows_folder,
            launcher_label="Home folder",
            launch=_home_folder,
        )
    )
