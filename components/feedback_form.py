"""Telling the makers of the portal what went well or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 4000
"""Characters of one message."""


class FeedbackForm(pn.viewable.Viewer):
    """A text and a button; ``on_send`` gets the text."""

    def __init__(self, on_send: Callable[[str], None]) -> None:
        super().__init__()
        self._on_send = on_send
        self._text = pmui.TextAreaInput(
            label="Your message",
            placeholder="What went well? What went wrong? What is missing?",
            rows=6,
            max_length=LONGEST,
            sizing_mode="stretch_width",
            margin=(6, 8),
        )
        send = pmui.Button(label="Send", icon="send", margin=(6, 8), on_click=self._send)
        self._form = pmui.Column(self._text, send, sizing_mode="stretch_width", margin=0)

    def _send(self, *_: object) -> None:
        text = (self._text.value_input or self._text.value or "").strip()
        if text:
            self._on_send(text[:LONGEST])

    def __panel__(self) -> pn.viewable.Viewable:
        """The text and the button."""
        return self._form
