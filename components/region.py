"""A labelled region: what screen readers and tests find by its name."""

from __future__ import annotations

import html
from typing import ClassVar

import panel as pn
import param
from panel.reactive import ReactiveHTML

from vispa_panel.components.style import sheet


class Region(ReactiveHTML):
    """Wraps one viewable into ``role=region`` with a name; reachable by keyboard for scrolling.

    ``kind`` chooses its look: ``plain`` is as large as its content allows, ``log`` scrolls and
    stays at its end while it grows, ``scroll`` scrolls from its top.
    """

    label = param.String(doc="The region's accessible name.")
    kind: str = param.Selector(  # type: ignore[assignment]
        default="plain", objects=["plain", "log", "scroll"], doc="Its look."
    )
    content = pn.viewable.Child(doc="What stands in the region.")

    _template: ClassVar[str] = (
        '<div id="region" class="region ${kind}" role="region" aria-label="${label}" tabindex="0">'
        "${content}</div>"
    )

    def __init__(self, content: object, *, label: str, **params: object) -> None:
        super().__init__(
            content=content,
            label=html.escape(label, quote=True),
            stylesheets=[sheet("region")],
            **params,
        )
