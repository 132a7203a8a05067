"""SFTP for one demo user, on standard input and output, inside that user's sandbox.

It runs as a file of its own (nothing of the portal is visible in there) and uses asyncssh's SFTP
server; every path outside the home folder is refused, also through symbolic links.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import asyncssh
from asyncssh.logging import logger
from asyncssh.sftp import run_sftp_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SFTP_VERSION = 3


class HomeFiles(asyncssh.SFTPServer):
    """An SFTP server that knows one folder; paths are those the user's commands see."""

    def __init__(self, home: bytes) -> None:
        no_channel: Any = None  # asyncssh uses it for logging and the environment only
        super().__init__(no_channel)
        self._home = os.path.realpath(home)

    def _inside(self, path: bytes) -> bytes:
        if path != self._home and not path.startswith(self._home + b"/"):
            message = "Outside of the home folder"
            raise asyncssh.SFTPPermissionDenied(message)
        return path

    def map_path(self, path: bytes) -> bytes:
        """The place of ``path`` itself, with symbolic links before its last part resolved."""
        absolute = os.path.join(self._home, path).rstrip(b"/") or b"/"
        folder, name = os.path.split(absolute)
        if name in (b"", b".", b".."):
            return self._inside(os.path.realpath(absolute))
        return self._inside(os.path.join(os.path.realpath(folder), name))

    def _target(self, path: bytes) -> bytes:
        """The place that ``path`` leads to, with every symbolic link resolved."""
        return self._inside(os.path.realpath(self.map_path(path)))

    def reverse_map_path(self, path: bytes) -> bytes:
        """Paths are told as they are."""
        return path

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:  # noqa: ANN401
        """Open a file of the home."""
        return super().open(self._target(path), pflags, attrs)

    def stat(self, path: bytes) -> Any:  # noqa: ANN401
        """What a path of the home leads to."""
        return super().stat(self._target(path))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:  # noqa: ANN401
        """Change mode or times of what a path of the home leads to."""
        return super().setstat(self._target(path), attrs)

    def readlink(self, path: bytes) -> bytes:
        """Tell where a symbolic link points, as it was written."""
        return os.readlink(self.map_path(path))

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Make a symbolic link; it may point anywhere, but is followed only inside of the home."""
        os.symlink(oldpath, self.map_path(newpath))

    def realpath(self, path: bytes) -> Any:  # noqa: ANN401
        """Resolve a path of the home."""
        return self._target(path)

    def statvfs(self, path: bytes) -> Any:  # noqa: ANN401
        """Tell the space on the home's disk."""
        return super().statvfs(self._target(path))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """List a folder of the home; its parent's attributes are told as its own."""
        folder = self._target(path)
        attributes = asyncssh.SFTPAttrs.from_local(os.stat(folder))
        for name in (b".", b".."):
            yield asyncssh.SFTPName(name, attrs=attributes)
        with os.scandir(folder) as entries:
            for entry in entries:
                found = asyncssh.SFTPAttrs.from_local(entry.stat(follow_symlinks=False))
                yield asyncssh.SFTPName(entry.name, attrs=found)


class _Input:
    """Reads whole packets; waiting here is fine, the process serves one session."""

    logger = logger

    def __init__(self, stream: BinaryIO, client: str) -> None:
        self._stream = stream
        self._client = client

    def get_extra_info(self, _name: str, _default: str) -> str:
        """The client's version: some clients swap the two names of a symbolic link."""
        return self._client

    async def readexactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise EOFError
        return data


class _Output:
    """Writes whole packets and waits for the reader: that is the back-pressure."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.channel = self

    def is_closing(self) -> bool:
        return self._stream.closed

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()


def main() -> None:
    """Serve one session; the arguments are the home folder and the client's version."""
    files = HomeFiles(os.fsencode(sys.argv[1]))
    reader: Any = _Input(sys.stdin.buffer, sys.argv[2])
    writer: Any = _Output(sys.stdout.buffer)

    async def serve() -> None:
        with contextlib.suppress(EOFError, BrokenPipeError):
            await run_sftp_server(files, reader, writer, SFTP_VERSION)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
