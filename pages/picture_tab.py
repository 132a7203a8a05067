"""The tab of an image file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn

from vispa_panel.components.image_gallery import ImageGallery, Picture
from vispa_panel.workspace.file_names import display_name

if TYPE_CHECKING:
    from vispa_panel.pages.context import ToolContext


class PictureTab(pn.viewable.Viewer):
    """Shows one picture."""

    def __init__(self, context: ToolContext, path: str) -> None:
        super().__init__()
        self._context = context
        self._path = path
        self.gallery = ImageGallery(label="Picture")
        context.controller.spawn(self._load())

    async def _load(self) -> None:
        entry = await self._context.controller.files.stat(self._path)
        source = self._context.links.picture(entry)
        self.gallery.pictures = (Picture(name=display_name(entry.name), source=source),)

    def __panel__(self) -> pn.viewable.Viewable:
        """The picture alone."""
        return self.gallery.__panel__()
