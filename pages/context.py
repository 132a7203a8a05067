"""What a tool gets to build its tab: the controller, the ways past the websocket, the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import param

if TYPE_CHECKING:
    from vispa_panel.workspace.controller import WorkspaceController
    from vispa_panel.workspace.files import FileEntry


class Links(Protocol):
    """Addresses of the portal that carry bytes past the websocket, for this sign-in only."""

    def picture(self, entry: FileEntry) -> str:
        """The address of an image file for an ``<img>``."""
        ...

    def download(self, entry: FileEntry) -> str:
        """An address that downloads a file, or a folder as a zip archive, once."""
        ...

    def upload(self, folder: str) -> str:
        """An address with a small form that uploads into a folder."""
        ...


class ToolContext(param.Parameterized):
    """Handed to every tool's ``build``."""

    dark = param.Boolean(default=False, doc="Whether the page is dark.")
    download_address = param.String(doc="The newest address to download from.")
    upload_folder = param.String(doc="The folder an upload was asked for; empty when none is.")

    def __init__(self, controller: WorkspaceController, links: Links, **params: object) -> None:
        super().__init__(**params)
        self.controller = controller
        self.links = links

    def download(self, entry: FileEntry) -> None:
        """Let the browser download a file or folder."""
        self.download_address = self.links.download(entry)
