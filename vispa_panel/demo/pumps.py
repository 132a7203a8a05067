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


async def _until_ready(descriptor: int, *, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    add, remove = (
        (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    )
    add(descriptor, wake)
    try:
        await ready
    finally:
        remove(descriptor)


async def pump_out(descriptor: int, channel: asyncssh.SSHWriter[bytes]) -> None:
    """Send what the command writes until it closes its end; ``descriptor`` is closed after."""
    os.set_blocking(descriptor, False)
    try:
        while True:
            try:
                data = os.read(descriptor, BLOCK_BYTES)
            except BlockingIOError:
                await _until_ready(descriptor, writing=False)
                continue
            except OSError:
                return  # a terminal whose last process has left
            if not data:
                return
            channel.write(data)
            await channel.drain()
    except (OSError, asyncssh.Error):
        return  # the client has gone; closing the pipe tells the command
    finally:
        os.close(descriptor)


async def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            await _until_ready(descriptor, writing=True)


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
