"""The reader's end of its socket: messages in and out, bytes of files asked for, cancelling."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

from vispa_panel import errors
from vispa_panel.physics import wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

ASKED_AT_ONCE = 32 << 20
"""Bytes asked for in one message at most."""
TELL_EVERY = 0.1
"""Seconds between two messages of progress."""


class Gone(Exception):
    """The portal has closed the socket: there is nobody to read for."""


class Pipe:
    """Messages to and from the portal; knows which request runs."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._waiting: list[Any] = []
        self._told_at = 0.0
        self.request = 0

    def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        try:
            self._socket.sendall(wire.pack(message))
        except OSError as error:
            raise Gone from error

    def next(self) -> Any:
        """The next message that asks for something; waits for it."""
        while True:
            message = self._waiting.pop(0) if self._waiting else self._receive()
            if message["do"] != "cancel":
                return message

    def check(self) -> None:
        """Raise Superseded when the running request was cancelled meanwhile."""
        while select.select([self._socket], [], [], 0)[0]:
            self._sort(self._receive())

    def progress(self, part: float) -> None:
        """Tell the part done (0 to 1), not too often, and look whether to go on."""
        self.check()
        now = time.monotonic()
        if now - self._told_at > TELL_EVERY:
            self._told_at = now
            self.send({"is": "progress", "id": self.request, "part": float(part)})

    def ask(self, file: int, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of ranges of a file; raises what the portal met, or Superseded."""
        self.send({"is": "ranges", "file": file, "ranges": [list(one) for one in ranges]})
        cancelled: errors.Superseded | None = None
        while True:
            message = self._receive()
            if message["do"] == "bytes":
                break
            try:
                self._sort(message)
            except errors.Superseded as error:
                cancelled = error  # the bytes are on their way: take them first
        if cancelled is not None:
            raise cancelled
        if message["error"]:
            kind, text = message["error"]
            raise getattr(errors, kind, errors.PortalError)(text)
        pieces: list[bytes] = message["pieces"]
        return pieces

    def _sort(self, message: Any) -> None:
        if message["do"] != "cancel":
            self._waiting.append(message)
        elif message["id"] == self.request:
            text = "The request was cancelled."
            raise errors.Superseded(text)

    def _receive(self) -> Any:
        head = self._exactly(wire.HEADER.size)
        total, _ = wire.lengths(head)
        return wire.unpack(head + self._exactly(total - len(head)))

    def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            try:
                piece = self._socket.recv(min(length - len(data), 1 << 20))
            except OSError as error:
                raise Gone from error
            if not piece:
                raise Gone
            data += piece
        return bytes(data)


class PipeBytes:
    """A :class:`~vispa_panel.physics.byte_doors.ByteDoor` to a file that only the portal has."""

    slow = True

    def __init__(self, pipe: Pipe, file: int, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._pipe = pipe
        self._file = file

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``, several in one message."""
        out: list[bytes] = []
        some: list[tuple[int, int]] = []
        asked = 0
        for start, stop in ranges:
            if some and asked + stop - start > ASKED_AT_ONCE:
                out += self._pipe.ask(self._file, some)
                some, asked = [], 0
            some.append((start, min(stop, max(self.size, start))))
            asked += stop - start
        return out + (self._pipe.ask(self._file, some) if some else [])

    def close(self) -> None:
        """The portal holds the file."""
