"""The door to short commands on a workspace's host, and SSH's implementation of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import asyncssh

from vispa_panel.errors import NotConnected

if TYPE_CHECKING:
    from vispa_panel.workspace.connection import Connection

MOST_AT_ONCE = 4
"""Commands of one user at the same time: a server allows ten channels, and two are taken."""

PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended; ``code`` is None when it was cut (too long, too much, killed)."""

    code: int | None
    out: bytes
    err: str


class Commands(Protocol):
    """Runs short commands as the workspace's user."""

    async def run(
        self, command: str, *, data: bytes = b"", limit: int = 1 << 20, seconds: float = 30
    ) -> Done:
        """Run a command line of ``sh``; at most ``limit`` bytes of its output, and so long.

        Raises NotConnected when the workspace is away.
        """
        ...


class SshCommands:
    """Implements :class:`Commands` over the user's shared connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)

    async def run(
        self, command: str, *, data: bytes = b"", limit: int = 1 << 20, seconds: float = 30
    ) -> Done:
        """Run a command line in a channel of its own."""
        async with self._turn:
            try:
                process = await self._connection.ssh.create_process(
                    command, encoding=None, window=1 << 21, max_pktsize=1 << 15
                )
            except (OSError, asyncssh.Error) as error:
                message = "The connection to the workspace was lost."
                raise NotConnected(message) from error
            try:
                async with asyncio.timeout(seconds):
                    return await _finished(process, data, limit)
            except TimeoutError:
                return Done(None, b"", f"no answer within {seconds:g} s")
            except (OSError, asyncssh.Error) as error:
                message = "The connection to the workspace was lost."
                raise NotConnected(message) from error
            finally:
                process.close()


async def _finished(process: asyncssh.SSHClientProcess[bytes], data: bytes, limit: int) -> Done:
    with contextlib.suppress(BrokenPipeError):  # it has ended before it read all: look why
        process.stdin.write(data)
        process.stdin.write_eof()
    errors = asyncio.ensure_future(_read(process.stderr, 1 << 16))
    try:
        out, whole = await _read(process.stdout, limit)
        err, _ = await errors if whole else (b"more output than can be taken", True)
    finally:
        errors.cancel()
    if not whole:
        return Done(None, out, err.decode())
    await process.wait_closed()
    if process.exit_status is None and process.exit_signal is None:
        message = "The connection to the workspace was lost."
        raise NotConnected(message)
    return Done(process.exit_status, out, err.decode("utf-8", "replace"))


async def _read(reader: asyncssh.SSHReader[bytes], limit: int) -> tuple[bytes, bool]:
    """What comes, and whether that was all of it."""
    pieces: list[bytes] = []
    count = 0
    while piece := await reader.read(PIECE):
        pieces.append(piece[: limit - count])
        count += len(piece)
        if count > limit:
            return b"".join(pieces), False
    return b"".join(pieces), True
