"""The screen of a terminal: xterm.js through Panel's model, with its own way in and out.

Panel's widget keeps all output for ever, rewrites line feeds and cannot say when text was drawn.
Here nothing is kept but the last patch; a bare line feed travels as ``ESC D`` (index), which the
browser's side leaves alone; and each piece ends with a status query, whose answer says that it
was drawn.

The first view of a screen answers for all: it alone is asked whether text was drawn and it alone
answers what programs ask. What the others answer is dropped.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

import panel as pn
from panel.util import lazy_load
from pyviz_comms import JupyterComm

if TYPE_CHECKING:
    from collections.abc import Callable

    from bokeh.document import Document
    from bokeh.model import Model

QUERIES = ("\x1b[5n", "\x1b[05n")
"""Two spellings of one question: Bokeh sends only what differs from the last patch."""

ANSWER = "\x1b[0n"
_PROGRAMS_QUERY = re.compile(r"(?:\x1b\[|\x9b)0*5(?:[;:][0-9;:]*)?n")
_BARE_LINE_FEED = re.compile(r"(?<!\r)\n")
_ALL_QUERIES = re.compile(
    r"(?:\x1b\[|\x9b)(?:[?>=!]?[0-9;:]*[cn]|[?>]?[0-9;:]*\$p|[0-9;:]*t)|\x1bP\$q[^\x1b]*\x1b\\"
)
_UNFINISHED = re.compile(
    r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]P^_X][^\x07\x1b\x9c]*\x1b?|[ -/]*)?|\x9b[0-?]*[ -/]*)\Z"
)
"""A control sequence whose end has not come yet; nothing may be put into its middle."""

LONGEST_HELD_BACK = 4096
"""Characters of an unfinished sequence that wait for its end."""

HISTORY = 1 << 18
"""Characters that a new view of the same screen gets."""


class TerminalScreen(pn.widgets.Terminal):
    """Draws text and tells what is typed.

    ``on_drawn`` gets the bytes that have been drawn and the number of the stream they came from.
    """

    def __init__(
        self,
        *,
        on_key: Callable[[str], None],
        on_drawn: Callable[[int, int], None],
        **params: Any,  # noqa: ANN401 - Panel's own parameters
    ) -> None:
        options = {
            "cursorBlink": True,
            "fontSize": 14,
            "fontFamily": '"DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace',
            "scrollback": 5000,
            "rendererType": "dom",
            "screenReaderMode": True,
        }
        super().__init__(options=options, **params)
        self._on_key = on_key
        self._on_drawn = on_drawn
        self._expected: deque[tuple[int, int] | None] = deque()
        self._held_back = ""
        self._last_was_return = False
        self._turn = 0
        self.history = ""
        self.views: list[Any] = []

    def _get_model(
        self,
        doc: Document,
        root: Model | None = None,
        parent: Model | None = None,
        comm: Any = None,  # noqa: ANN401 - Panel's comm
    ) -> Model:
        pn.widgets.Terminal._widget_type = lazy_load(  # noqa: SLF001 - as the widget does itself
            "panel.models.terminal", "Terminal", isinstance(comm, JupyterComm), root
        )
        # Not the widget's own: it would take keys through Panel's slower way.
        model: Any = super(pn.widgets.Terminal, self)._get_model(doc, root, parent, comm)
        model.output = _ALL_QUERIES.sub("", self.history)
        model.on_event("keystroke", self._typed)
        self.views.append(model)
        drawn: Model = model
        return drawn

    def _cleanup(self, root: Model | None = None) -> None:
        if root is not None and root.ref["id"] in self._models:
            model = self._models[root.ref["id"]][0]
            if model in self.views:
                if self.views[0] is model:
                    self.forget_expected()
                self.views.remove(model)
        super()._cleanup(root)

    def forget_expected(self) -> None:
        """The view that answers is gone: what it was sent counts as drawn."""
        expected, self._expected = self._expected, deque()
        for one in expected:
            if one is not None:
                self._on_drawn(*one)

    def begin(self) -> None:
        """Another stream comes: an empty screen, nothing left over from the last one."""
        self._held_back, self._last_was_return = "", False
        self.history = ""

    def draw(self, text: str, count: int, stream: int) -> str:
        """Send ``count`` bytes of a stream as text to the first view, with its document's lock.

        Returns what the other views are to be given, each with the lock of its own document.
        """
        text = self._held_back + text
        held = _UNFINISHED.search(text, max(0, len(text) - LONGEST_HELD_BACK))
        self._held_back = held.group() if held else ""
        text = self._for_browser(text[: held.start()] if held else text)
        self._remember(text)
        self._expected.extend(None for _ in _PROGRAMS_QUERY.findall(text))
        self._expected.append((count, stream))
        self._turn = 1 - self._turn
        if self.views:
            self.views[0].output = text + QUERIES[self._turn]
        return _ALL_QUERIES.sub("", text) + QUERIES[self._turn]

    def _remember(self, text: str) -> None:
        kept = self.history + text
        if len(kept) > HISTORY:
            kept = kept[-HISTORY:]
            # A whole line is where no sequence can have been cut.
            starts = [at for at in (kept.find("\n"), kept.find("\x1bD")) if at >= 0]
            kept = kept[min(starts) :] if starts else kept
        self.history = kept

    def _for_browser(self, text: str) -> str:
        if self._last_was_return and text.startswith("\n"):
            first, rest = "\n", text[1:]
        else:
            first, rest = "", text
        self._last_was_return = text.endswith("\r")
        return first + _BARE_LINE_FEED.sub("\x1bD", rest)

    def _typed(self, event: Any) -> None:  # noqa: ANN401 - Panel's KeystrokeEvent is untyped
        key = event.key if isinstance(event.key, str) else ""
        if not self.views or event.model is not self.views[0]:
            key = key.replace(ANSWER, "")
        while ANSWER in key and self._expected:
            before, _, after = key.partition(ANSWER)
            key = before + after
            answered = self._expected.popleft()
            if answered is None:
                self._on_key(ANSWER)
            else:
                self._on_drawn(*answered)
        if key:
            self._on_key(key)
