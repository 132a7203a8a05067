"""Moving raw bytes between an SSH channel and the pipes or terminal of a command.

Each pump holds at most one block, and waits for the slower side before it takes the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BLOCK_BYTES = 64 * 1024


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _until_writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(descriptor, _resolve, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


class Outflow:
    """Sends what a command writes until it closes its end; ``descriptor`` is closed after."""

    def __init__(self, descriptor: int, channel: asyncssh.SSHWriter[bytes]) -> None:
        self._descriptor = descriptor
        self._channel = channel
        self._last = False
        self._more: asyncio.Future[None] | None = None
        os.set_blocking(descriptor, False)
        self.done = asyncio.create_task(self._pump())

    def stop_when_empty(self) -> None:
        """End once nothing is left to read, though others may hold the terminal open."""
        self._last = True
        if self._more is not None:
            _resolve(self._more)

    async def _pump(self) -> None:
        try:
            while True:
                try:
                    data = os.read(self._descriptor, BLOCK_BYTES)
                except BlockingIOError:
                    if self._last:
                        return
                    await self._until_more()
                    continue
                except OSError:
                    return  # a terminal whose last process has left
                if not data:
                    return
                self._channel.write(data)
                await self._channel.drain()
        except (OSError, asyncssh.Error):
            return  # the client has gone; closing the pipe tells the command
        finally:
            os.close(self._descriptor)

    async def _until_more(self) -> None:
        loop = asyncio.get_running_loop()
        self._more = loop.create_future()
        loop.add_reader(self._descriptor, _resolve, self._more)
        try:
            await self._more
        finally:
            loop.remove_reader(self._descriptor)
            self._more = None


async def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            await _until_writable(descriptor)


async def pump_in(
    channel: asyncssh.SSHReader[bytes],
    descriptor: int,
    send_signal: Callable[[int], Awaitable[None]],
) -> None:
    """Give the command what the client sends, its signals and its window's size."""
    os.set_blocking(descriptor, False)
    try:
        while True:
            try:
                data = await channel.read(BLOCK_BYTES)
                if not data:
                    return
                await _write_all(descriptor, data)
            except asyncssh.TerminalSizeChanged as size:
                set_size(descriptor, size.width, size.height)
            except asyncssh.BreakReceived:
                await send_signal(signal.SIGINT)
            except asyncssh.SignalReceived as received:
                with contextlib.suppress(KeyError):
                    await send_signal(signal.Signals[f"SIG{received.signal}"])
    except (OSError, asyncssh.Error):
        return  # the command no longer reads, or the client has gone
    finally:
        os.close(descriptor)


def set_size(descriptor: int, columns: int, rows: int) -> None:
    """Tell a terminal its size in characters."""
    with contextlib.suppress(OSError, struct.error):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
