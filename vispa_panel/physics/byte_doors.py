"""Doors to the bytes of one file, for code that waits: a local file, a URL, or bytes in memory.

A reader process has a fourth, :class:`vispa_panel.physics.readers.pipe.PipeBytes`, which asks the
portal. None of them interprets what it reads.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

import fsspec

from vispa_panel.errors import FileMissing, UnreadableData

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

BLOCK = 1 << 16
"""Bytes asked for at least, where asking is slow."""
GAP = 1 << 15
"""Two ranges with fewer bytes between them are asked for as one."""
CACHE = 64 << 20
"""Bytes of a slow file that are kept."""


class ByteDoor(Protocol):
    """The bytes of one file; ``size`` in bytes; ``slow`` says whether asking costs a journey."""

    name: str
    size: int
    slow: bool

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``; shorter beyond the end."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class OpenFile:
    """A local file by its descriptor, which this object closes in the end."""

    slow = False

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor

    @classmethod
    def at(cls, path: str) -> Self:
        """Open the file at a path; raises FileMissing when it cannot be."""
        try:
            return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC), path)
        except OSError as error:
            message = f"{path} cannot be opened: {(error.strerror or 'unknown reason').lower()}."
            raise FileMissing(message, path=path) from error

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``."""
        return [os.pread(self._descriptor, stop - start, start) for start, stop in ranges]

    def close(self) -> None:
        """Close the descriptor; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class UrlBytes:
    """A file behind a URL that fsspec knows (``https://``, ``root://`` with its plugin)."""

    slow = True

    def __init__(self, url: str) -> None:
        self.name = url
        try:
            self._system, self._path = fsspec.core.url_to_fs(url)
            self.size = int(self._system.size(self._path))
        except (OSError, ImportError, ValueError, TypeError) as error:
            message = f"{url} cannot be opened: {error}."
            raise FileMissing(message, path=url) from error

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``, asked for together."""
        starts, stops = zip(*ranges, strict=True) if ranges else ((), ())
        try:
            found: list[Any] = self._system.cat_ranges(
                [self._path] * len(ranges), list(starts), list(stops), on_error="raise"
            )
        except (OSError, ValueError) as error:
            message = f"{self.name} cannot be read: {error}."
            raise UnreadableData(message) from error
        return [bytes(piece) for piece in found]

    def close(self) -> None:
        """Nothing is held."""


class CachedBytes:
    """Another door's bytes: neighbouring ranges asked for as one, blocks kept (oldest use goes)."""

    slow = True

    def __init__(self, door: ByteDoor, *, limit: int = CACHE) -> None:
        self.name = door.name
        self.size = door.size
        self._door = door
        self._limit = limit
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._kept_bytes = 0

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``."""
        found = [self._find(start, stop) for start, stop in ranges]
        missing = [wanted for wanted, data in zip(ranges, found, strict=True) if data is None]
        if missing:
            asked = merged([self._rounded(*wanted) for wanted in missing])
            for place, data in zip(asked, self._door.read_ranges(asked), strict=True):
                self._keep(place, data)
            fresh = dict(zip(missing, (self._find(*wanted) for wanted in missing), strict=True))
            found = [
                fresh[wanted] if data is None else data
                for wanted, data in zip(ranges, found, strict=True)
            ]
            self._forget()
        return [data or b"" for data in found]

    def close(self) -> None:
        """Forget what is kept and close the other door."""
        self._kept.clear()
        self._door.close()

    def _rounded(self, start: int, stop: int) -> tuple[int, int]:
        if stop - start >= BLOCK:
            return start, stop
        return start - start % BLOCK, min(-(-stop // BLOCK) * BLOCK, max(self.size, stop))

    def _find(self, start: int, stop: int) -> bytes | None:
        for place, data in self._kept.items():
            if place[0] <= start and stop <= place[1]:
                self._kept.move_to_end(place)
                return data[start - place[0] : stop - place[0]]
        return None

    def _keep(self, place: tuple[int, int], data: bytes) -> None:
        self._kept_bytes += len(data) - len(self._kept.pop(place, b""))
        self._kept[place] = data

    def _forget(self) -> None:
        while self._kept_bytes > self._limit and self._kept:
            _, data = self._kept.popitem(last=False)
            self._kept_bytes -= len(data)


def merged(ranges: Sequence[tuple[int, int]], gap: int = GAP) -> list[tuple[int, int]]:
    """The ranges in order, those that overlap or nearly touch as one."""
    out: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if out and start - out[-1][1] <= gap:
            out[-1] = out[-1][0], max(stop, out[-1][1])
        else:
            out.append((start, stop))
    return out


def door_to(source: object) -> ByteDoor:
    """The door to a path or URL; another door stands for itself."""
    if isinstance(source, str | os.PathLike):
        text = os.fspath(source)
        if isinstance(text, bytes):
            text = os.fsdecode(text)
        if "://" in text and not text.startswith("file://"):
            return CachedBytes(UrlBytes(text))
        return OpenFile.at(text.removeprefix("file://"))
    if hasattr(source, "read_ranges") and hasattr(source, "size"):
        door: ByteDoor = source  # type: ignore[assignment]  # a door by its methods
        return CachedBytes(door) if getattr(door, "slow", False) else door
    message = f"a ROOT file is opened by its path, URL or a door to its bytes, not {source!r}"
    raise TypeError(message)
