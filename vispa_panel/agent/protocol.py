"""Frames: one line of JSON, then as many raw bytes as its ``bytes`` says.

A request is ``{"id": 7, "method": "folder.list", "params": {...}}``. Its answers carry the same
id: any number of ``{"id": 7, "item": {...}}``, then ``{"id": 7, "result": {...}}`` or
``{"id": 7, "error": {"code": ..., "message": ..., "path": ...}}``. ``{"id": 7, "cancel": true}``
ends a request early, ``{"id": 7, "credit": n}`` lets a paced one send ``n`` more bytes, and
``{"id": 7, "input": true}`` carries bytes to it. A line that is no frame becomes a frame of its
own, ``{"garbage": true}``, and reading goes on at the next line.
"""

import json

VERSION = 1
MARKER = b"\x00vispa-agent "
"""Begins the line with which the agent says hello; what a login shell prints before is skipped."""

MOST_HEADER = 1 << 20
MOST_BYTES = 1 << 20


class Refused(Exception):
    """A request cannot be done; ``code`` says why in one word, ``path`` of which file."""

    def __init__(self, code, message, path=""):
        super().__init__(message)
        self.code = code
        self.path = path

    def as_value(self):
        """The error as it travels."""
        return {"code": self.code, "message": str(self), "path": self.path}


def encode(header, data=b""):
    """A frame as bytes."""
    if data:
        header = dict(header, bytes=len(data))
    return json.dumps(header, separators=(",", ":")).encode("ascii") + b"\n" + data


class FrameParser:
    """Cuts a stream of bytes into frames; holds at most one unfinished frame."""

    def __init__(self):
        self._buffer = bytearray()
        self._header = None
        self._wanted = 0
        self._skipping = False

    def feed(self, data):
        """Take bytes; returns the finished frames as a list of ``(header, bytes)``."""
        self._buffer += data
        frames = []
        while True:
            frame = self._next()
            if frame is None:
                return frames
            frames.append(frame)

    def _next(self):
        if self._header is None and not self._read_header():
            return None
        if self._wanted > len(self._buffer):
            return None
        data = bytes(self._buffer[: self._wanted])
        del self._buffer[: self._wanted]
        header, self._header, self._wanted = self._header, None, 0
        return header, data

    def _read_header(self):
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > MOST_HEADER:
                self._buffer.clear()
                self._skipping = True
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._header = {"garbage": True} if self._skipping else _header(line)
        self._skipping = False
        self._wanted = self._header.get("bytes", 0)
        return True


def _header(line):
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        return {"garbage": True}
    if not isinstance(header, dict):
        return {"garbage": True}
    count = header.get("bytes", 0)
    if type(count) is not int or not 0 <= count <= MOST_BYTES:
        return {"garbage": True}
    return header
