"""Following a file that grows on the host: by the agent, or by asking again without one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vispa_panel.errors import AgentError, FileError
from vispa_panel.workspace.agent_runs import entry_from_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from vispa_panel.workspace.agent_client import AgentClient
    from vispa_panel.workspace.files import FileEntry, Files

PIECE = 1 << 16
PERIOD = 1.0
"""Seconds between two looks without an agent."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file from ``offset``; ``size`` is the whole file's.

    ``restart`` says that the file was replaced or cut, and that what follows is from its start.
    """

    offset: int
    size: int
    data: bytes
    restart: bool = False


class Following(Protocol):
    """Follows files of one workspace."""

    def follow(self, path: str, *, offset: int = 0) -> AsyncIterator[Piece]:
        """What stands in the file from ``offset`` and what comes; waits for a missing file.

        It never ends by itself. Raises NotConnected.
        """
        ...

    async def pictures(self, folder: str, *, since: float) -> tuple[FileEntry, ...]:
        """Images in a folder (and below) written since a time, oldest first."""
        ...


class HostFollowing:
    """Implements :class:`Following`; ``client`` gives the agent of now."""

    def __init__(self, client: Callable[[], Awaitable[AgentClient]], files: Files) -> None:
        self._client = client
        self._files = files

    async def follow(self, path: str, *, offset: int = 0) -> AsyncIterator[Piece]:
        """Piece by piece, at the reader's pace."""
        try:
            client = await self._client()
        except AgentError:
            async for piece in self._ask_again(path, offset):
                yield piece
            return
        async for item, data in client.call("file.follow", path=path, offset=offset):
            start, size = item.get("offset"), item.get("size")
            if item.get("restart") is True:
                yield Piece(0, 0, b"", restart=True)
            elif type(start) is int and type(size) is int:
                yield Piece(start, size, data)

    async def pictures(self, folder: str, *, since: float) -> tuple[FileEntry, ...]:
        """Images written since a time; none on a host without an agent."""
        try:
            client = await self._client()
            # File systems round times down, some to whole seconds.
            answer = await client.request("folder.pictures", path=folder, since=float(int(since)))
        except (AgentError, FileError):
            return ()
        return tuple(entry_from_row(row) for row in answer.get("rows", ()))

    async def _ask_again(self, path: str, offset: int) -> AsyncIterator[Piece]:
        while True:
            try:
                (data,) = await self._files.read_ranges(path, [(offset, offset + PIECE)])
            except FileError:
                data = b""  # not there yet
            if data:
                yield Piece(offset, offset + len(data), data)
                offset += len(data)
            else:
                await asyncio.sleep(PERIOD)
