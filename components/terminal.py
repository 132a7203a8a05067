"""A terminal: what a shell prints is drawn, what a person types is sent."""

from __future__ import annotations

import asyncio
import codecs
import contextvars
from functools import partial
from typing import TYPE_CHECKING

import panel as pn
import param

from vispa_panel.components.background import spawn
from vispa_panel.components.region import Region
from vispa_panel.components.terminal_screen import TerminalScreen
from vispa_panel.errors import NotConnected

if TYPE_CHECKING:
    from vispa_panel.workspace.terminals import TerminalStream

PAUSE = 100_000
"""Bytes sent to the browser and not drawn yet at which no more is sent."""

GO_ON = 5_000
"""Bytes not drawn yet at which sending goes on."""

RESET = "\x1bc"
"""Empties screen and scrollback: a terminal attached again sends what it kept once more."""

ENDED = "\r\n\x1b[2mThe shell has ended. Close this tab, or open a new terminal.\x1b[0m\r\n"
AWAY = "\r\n\x1b[2mThe connection is away; this terminal goes on when it is back.\x1b[0m\r\n"


class Terminal(pn.viewable.Viewer):
    """Draws one :class:`~vispa_panel.workspace.terminals.TerminalStream`.

    Back-pressure reaches from the browser to the program: bytes are acknowledged when they have
    been drawn. The Tab key belongs to the shell, as in every terminal; who uses the keyboard alone
    leaves it with the browser's own keys (F6, or Ctrl+L for the address bar).
    """

    ended = param.Boolean(default=False, doc="Whether the shell has ended.")

    def __init__(self, stream: TerminalStream | None = None, **params: object) -> None:
        super().__init__(**params)
        self._stream: TerminalStream | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text: list[str] = []
        self._count = 0
        self._undrawn = 0
        self._room = asyncio.Event()
        self._room.set()
        self._scheduled = False
        self._reader: asyncio.Task[None] | None = None
        self._number = 0
        self._screen = self._make_screen()
        if stream is not None:
            pn.state.onload(lambda: spawn(self.reattach(stream)))

    def _make_screen(self) -> TerminalScreen:
        screen = TerminalScreen(
            on_key=self._typed,
            on_drawn=self._drawn,
            sizing_mode="stretch_both",
            min_height=120,
            margin=0,
        )
        screen.param.watch(self._resized, ["ncols", "nrows"])
        return screen

    async def reattach(self, stream: TerminalStream) -> None:
        """Draw another stream from now on, such as the same terminal after a lost connection."""
        await self.detach()
        self._begin()
        self._stream = stream
        self.ended = False
        self._resized()
        self._reader = asyncio.get_running_loop().create_task(
            self._read(stream), context=contextvars.Context()
        )

    def _begin(self) -> None:
        """Forget what the last stream left: half a character, unsent text, what is not drawn."""
        self._number += 1
        self._decoder.reset()
        self._text, self._count, self._undrawn = [], 0, 0
        self._room.set()
        self._screen.begin()
        if self._number > 1:
            self._queue(RESET, 0)

    async def detach(self) -> None:
        """Stop watching; the shell lives on."""
        reader, self._reader = self._reader, None
        stream, self._stream = self._stream, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if stream is not None:
            await stream.detach()

    async def _read(self, stream: TerminalStream) -> None:
        try:
            while data := await stream.read():
                self._queue(self._decoder.decode(data), len(data))
                await self._room.wait()
        except NotConnected:
            self._queue(AWAY, 0)
            return
        self._queue(ENDED, 0)
        self.ended = True

    def _queue(self, text: str, count: int) -> None:
        self._text.append(text)
        self._count += count
        self._undrawn += count
        if self._undrawn >= PAUSE:
            self._room.clear()
        if not self._scheduled:
            self._soon()

    def _soon(self) -> None:
        views = self._screen.views
        document = views[0].document if views and self._screen.nrows else None
        # The browser tells a size once its screen stands; text sent before would be lost, so
        # :meth:`_resized` asks again.
        if document is not None:
            self._scheduled = True
            document.add_next_tick_callback(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        text, self._text = "".join(self._text), []
        count, self._count = self._count, 0
        if not text:
            return
        others = self._screen.draw(text, count, self._number)
        for view in self._screen.views[1:]:
            if view.document is not None:
                view.document.add_next_tick_callback(partial(view.update, output=others))

    def _drawn(self, count: int, stream: int) -> None:
        if stream != self._number:
            return  # the last one's
        self._undrawn -= count
        if self._undrawn <= GO_ON:
            self._room.set()
        if self._stream is not None and count:
            self._stream.acknowledge(count)

    def _typed(self, key: str) -> None:
        if self._stream is not None and not self.ended:
            self._stream.write(key.encode("utf-8", "replace"))

    def _resized(self, *_: object) -> None:
        columns, rows = self._screen.ncols, self._screen.nrows
        if self._stream is not None and columns and rows:
            self._stream.resize(columns, rows)
        if self._text and not self._scheduled:
            self._soon()

    def __panel__(self) -> pn.viewable.Viewable:
        """The screen in its labelled region."""
        return Region(self._screen, label="Terminal", sizing_mode="stretch_both", margin=4)
