"""A run as a view sees it: its state and the end of its output, followed live."""

from __future__ import annotations

import asyncio
import codecs
import contextvars
import re
import time
from typing import TYPE_CHECKING

import param

from vispa_panel.errors import NotConnected, PortalError
from vispa_panel.workspace.runs import RunInfo, RunState

if TYPE_CHECKING:
    from vispa_panel.workspace.files import FileEntry
    from vispa_panel.workspace.runs import Runs

CHUNK = 8_000
"""Characters in one finished piece of output: a change re-sends at most one piece."""

PIECES = 32
"""Finished pieces that are kept; what is older stays in the log on the host."""

READ = 1 << 16
"""Bytes read from the log at once: fewer would redraw a flood more often than it can be sent."""

# Escape sequences: operating system commands, then control sequences, then two-character ones.
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain_text(text: str) -> str:
    """Output as a page can show it: no escape sequences, a carriage return starts its line anew."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", text)).replace("\r\n", "\n")
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


class FollowedRun(param.Parameterized):
    """One run on the host: ``pieces`` are finished parts of its output, ``tail`` still grows."""

    info: RunInfo | None = param.ClassSelector(
        class_=RunInfo, allow_None=True, doc="What the host says of it."
    )  # type: ignore[assignment]
    pieces: tuple[tuple[int, str], ...] = param.ClassSelector(  # type: ignore[assignment]
        class_=tuple, default=(), doc="Finished (number, text) parts of output."
    )
    tail = param.String(doc="The part of the output that still grows.")
    skipped = param.Integer(default=0, doc="Bytes of earlier output that are not shown.")
    pictures: tuple[FileEntry, ...] = param.ClassSelector(  # type: ignore[assignment]
        class_=tuple, default=(), doc="Image files it produced (FileEntry)."
    )
    problem = param.String(doc="Why it cannot be followed just now; empty when all is well.")

    def __init__(self, runs: Runs, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self._runs = runs
        self._offset = 0
        self._number = 0
        self._raw = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it still goes on."""
        return self.info is not None and self.info.state is RunState.RUNNING

    @property
    def duration(self) -> float:
        """Seconds from its start to its end, or to now."""
        if self.info is None:
            return 0.0
        return (self.info.ended or time.time()) - self.info.started

    def start(self) -> None:
        """Follow it in the background until it ends or :meth:`close`."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._follow(), context=contextvars.Context()
            )

    async def close(self) -> None:
        """Stop following; the run goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def stop(self) -> None:
        """End the run's whole process group; raises RunError."""
        await self._runs.stop(self.run_id)

    async def _follow(self) -> None:
        try:
            async for info in self._runs.follow(self.run_id):
                await self._read_to(info.output_size)
                self.param.update(info=info, problem="")
                if info.state is not RunState.RUNNING:
                    await self._look_for_pictures()
        except NotConnected:
            self.problem = "The connection is away; the run goes on and its output will follow."
        except PortalError as error:
            self.problem = error.advice

    async def _look_for_pictures(self) -> None:
        found: tuple[FileEntry, ...] = await self._runs.pictures(self.run_id)
        if found != self.pictures:
            self.pictures = found

    async def _read_to(self, size: int) -> None:
        shown = CHUNK * PIECES
        if size - self._offset > 4 * shown:
            self._jump(size - shown)
        while self._offset < size:
            data = await self._runs.output(self.run_id, offset=self._offset, limit=READ)
            if not data:
                return
            self._offset += len(data)
            self._append(self._decoder.decode(data))

    def _jump(self, offset: int) -> None:
        """Leave out what no one could read anyway; the log keeps it."""
        self._offset = offset
        self._decoder.reset()
        self._raw = ""
        self.param.update(pieces=(), tail="", skipped=offset)

    def _append(self, text: str) -> None:
        self._raw += text
        finished = list(self.pieces)
        while len(self._raw) > CHUNK:
            cut = self._raw.rfind("\n", 0, CHUNK) + 1 or CHUNK
            finished.append((self._number, plain_text(self._raw[:cut])))
            self._raw = self._raw[cut:]
            self._number += 1
        dropped = finished[:-PIECES]
        skipped = self.skipped + sum(len(part.encode()) for _, part in dropped)
        self.param.update(
            pieces=tuple(finished[-PIECES:]), tail=plain_text(self._raw), skipped=skipped
        )
