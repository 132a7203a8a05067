"""Pictures side by side or one large: what a run produced, beside its code."""

from __future__ import annotations

import base64
import html
import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.components.region import Region
from vispa_panel.components.style import sheet

if TYPE_CHECKING:
    from pathlib import Path

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
"""What an ``<img>`` may show; scripts in an SVG do not run there."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by its shown name and its address (of the portal, or a ``data:`` address)."""

    name: str
    source: str

    @classmethod
    def read(cls, path: Path) -> Picture:
        """A picture from a local file, for notebooks; raises OSError or ValueError."""
        media_type = mimetypes.guess_type(path.name)[0] or ""
        if media_type not in MEDIA_TYPES.values():
            message = f"{path.name} is no picture that a browser shows"
            raise ValueError(message)
        data = base64.b64encode(path.read_bytes()).decode()
        return cls(name=path.name, source=f"data:{media_type};base64,{data}")


class ImageGallery(pn.viewable.Viewer):
    """Shows :class:`Picture` values, newest last; nothing at all when there is none."""

    pictures: tuple[Picture, ...] = param.ClassSelector(
        class_=tuple, default=(), doc="The Picture values, in order."
    )  # type: ignore[assignment]
    label = param.String(default="Pictures", doc="The region's accessible name.")

    def __init__(self, pictures: tuple[Picture, ...] = (), **params: object) -> None:
        super().__init__(pictures=pictures, **params)
        self._pane = pn.pane.HTML(
            self._figures(),
            sizing_mode="stretch_width",
            margin=0,
            stylesheets=[sheet("image_gallery")],
        )
        self._region = Region(
            self._pane, label=self.label, kind="scroll", sizing_mode="stretch_both", margin=4
        )

    @param.depends("pictures", watch=True)
    def _show(self) -> None:
        self._pane.object = self._figures()

    def _figures(self) -> str:
        return "".join(
            f'<figure><img src="{html.escape(picture.source, quote=True)}" '
            f'alt="{html.escape(picture.name, quote=True)}" loading="lazy">'
            f"<figcaption>{html.escape(picture.name)}</figcaption></figure>"
            for picture in self.pictures
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """The region; hidden while there is nothing to see."""
        return pmui.Column(
            self._region,
            visible=self.param.pictures.rx.len() > 0,
            sizing_mode="stretch_both",
            margin=0,
        )
