"""What a file is for a reader process: where its bytes come from, on the portal's side.

Nothing here interprets a byte. The reader has no files and no network of its own: it is handed an
open local file, or asks for ranges, which these doors fetch.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vispa_panel.errors import FileMissing
from vispa_panel.physics.byte_doors import UrlBytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vispa_panel.workspace.files import Files


@dataclass(frozen=True, slots=True)
class Identity:
    """When this is another, the file is another: its size in bytes, and when it was written."""

    size: int
    modified: float


class FileSource(Protocol):
    """A file that a reader may be given."""

    @property
    def name(self) -> str:
        """What people call it: a path or URL."""
        ...

    async def identity(self) -> Identity:
        """Its size and time now; raises FileError and NotConnected."""
        ...

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``, asked for together."""
        ...

    async def descriptor(self) -> int | None:
        """An open local file that the caller closes, or None when bytes come by ranges."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on the portal's own machine, for a notebook or a stranger's ``panel serve`` script.

    In the portal no path of a user's may come here.
    """

    path: str

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    async def identity(self) -> Identity:
        """Size and time now."""
        return await asyncio.to_thread(self._identity)

    def _identity(self) -> Identity:
        try:
            found = os.stat(self.path)  # noqa: PTH116 - a path may be any bytes
        except OSError as error:
            raise self._missing(error) from error
        return Identity(found.st_size, found.st_mtime)

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each range."""
        return await asyncio.to_thread(self._read, ranges)

    def _read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        descriptor = self._open()
        try:
            return [os.pread(descriptor, stop - start, start) for start, stop in ranges]
        finally:
            os.close(descriptor)

    async def descriptor(self) -> int | None:
        """The file, open for reading."""
        return await asyncio.to_thread(self._open)

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise self._missing(error) from error

    def _missing(self, error: OSError) -> FileMissing:
        reason = (error.strerror or "unknown reason").lower()
        return FileMissing(f"{self.path} cannot be opened: {reason}.", path=self.path)


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """A file of a workspace, read over its SSH connection."""

    files: Files
    path: str

    @property
    def name(self) -> str:
        """The path on the host."""
        return self.path

    async def identity(self) -> Identity:
        """Size and time now."""
        entry = await self.files.stat(self.path)
        return Identity(entry.size, entry.modified)

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each range."""
        return await self.files.read_ranges(self.path, ranges)

    async def descriptor(self) -> int | None:
        """None: the file is elsewhere."""
        return None


class UrlFile:
    """A file behind a URL, fetched by this machine: not for URLs that strangers may name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._door: UrlBytes | None = None

    @property
    def name(self) -> str:
        """The URL."""
        return self._url

    async def identity(self) -> Identity:
        """Its size; servers rarely tell reliably when a file was written."""
        if self._door is None:
            self._door = await asyncio.to_thread(UrlBytes, self._url)
        return Identity(self._door.size, 0.0)

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each range."""
        await self.identity()
        door = self._door
        return [] if door is None else await asyncio.to_thread(door.read_ranges, ranges)

    async def descriptor(self) -> int | None:
        """None: the file is elsewhere."""
        return None
