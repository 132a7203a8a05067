"""Following files that other hosts write, such as a batch job's output and its event log."""

import asyncio
import os
import stat

PIECE = 1 << 16
SOONEST, LATEST = 0.03, 0.4
"""Seconds between two looks: soon after something came, later when nothing does."""


def _look(path, offset):
    """The file's identity, its size, and what stands at ``offset``; None where it is not there."""
    # Opened anew each time: a network file system tells news only to those who open.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        data = os.pread(descriptor, PIECE, offset) if status.st_size > offset else b""
        return (status.st_dev, status.st_ino), status.st_size, data
    finally:
        os.close(descriptor)


async def follow(call, _):
    """``file.follow``: items ``{"offset", "size"}`` with the bytes there, until cancelled.

    A file that is not there yet is waited for. ``{"restart": true}`` says that it was replaced or
    cut, and that what follows is from its start.
    """
    path, offset = call.text("path"), call.count("offset", 0, 1 << 62)
    loop = asyncio.get_event_loop()
    wait, seen = SOONEST, None
    while True:
        found = await loop.run_in_executor(None, _look, path, offset)
        if found is not None:
            identity, size, data = found
            if size < offset or (seen is not None and identity != seen):
                offset, seen = 0, identity
                await call.item({"restart": True})
                continue
            seen = identity
            if data:
                await call.item({"offset": offset, "size": size}, data)
                offset += len(data)
                wait = SOONEST
                continue
        await asyncio.sleep(wait)
        wait = min(wait * 1.3, LATEST)


METHODS = {"file.follow": follow}
