"""A labelled region: what screen readers and tests find by its name."""

from __future__ import annotations

import html
from typing import ClassVar

import panel as pn
import param
from panel.custom import ReactiveHTML


class Region(ReactiveHTML):
    """Wraps one viewable into ``role=region`` with a name; reachable by keyboard for scrolling."""

    label = param.String(doc="The region's accessible name.")
    content = pn.viewable.Child(doc="What stands in the region.")

    _template: ClassVar[str] = (
        '<div id="region" role="region" aria-label="${label}" tabindex="0" '
        'style="width:100%;height:100%">${content}</div>'
    )

    def __init__(self, content: object, *, label: str, **params: object) -> None:
        super().__init__(content=content, label=html.escape(label, quote=True), **params)
