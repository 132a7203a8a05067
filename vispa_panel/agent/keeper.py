"""The keeper: one quiet process per user and host that holds terminals and runs.

It outlives every connection, and ends by itself when it holds nothing and nobody asks.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import struct
import time

from . import processes
from .peer import Peer
from .place import cache_folder, socket_path
from .runs import Runs
from .terminals import Terminals

IDLE = 60.0
"""Seconds without work and clients after which the keeper ends."""

START = 10.0
"""Seconds in which a new keeper must answer."""


def same_user(connection):
    """Whether the process at the other end of a UNIX socket runs as this user."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return struct.unpack("3i", credentials)[1] == os.geteuid()


class Keeper:
    """Serves every connected agent; single-threaded, so that it may fork."""

    def __init__(self):
        self._runs = Runs()
        self._terminals = Terminals()
        self._methods = dict(self._runs.methods(), **self._terminals.methods())
        self._clients = 0
        self._last = time.monotonic()

    async def _serve(self, reader, writer):
        if not same_user(writer.get_extra_info("socket")):
            writer.close()
            return
        self._clients += 1
        try:
            await Peer(reader, writer, self._methods).serve()
        finally:
            self._clients -= 1
            self._last = time.monotonic()

    def _reap(self):
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                code = processes.exit_code(status)
                self._runs.reaped(pid, code)
                self._terminals.reaped(pid, code)

    async def run(self, path):
        """Serve on a socket until idle."""
        loop = asyncio.get_event_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        server = await asyncio.start_unix_server(self._serve, path)
        os.chmod(path, 0o600)
        own = os.stat(path).st_ino
        while self._in_use():
            await asyncio.sleep(1)
        server.close()
        with contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_ino == own:
                os.unlink(path)

    def _in_use(self):
        if self._clients or self._runs.busy or self._terminals.busy:
            self._last = time.monotonic()
        return time.monotonic() - self._last < IDLE


def _detach():
    """Become a process of nobody: own session, no terminal, no open pipes to the caller."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    log = os.open(str(cache_folder() / "keeper.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDWR)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.closerange(3, 256)
    return True


def _connect(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
        if not same_user(connection):
            raise PermissionError(13, "the keeper's socket belongs to somebody else", path)
    except OSError:
        connection.close()
        raise
    return connection


def connect():
    """A socket to the user's keeper; starts one when there is none. Blocks up to ``START``."""
    path = str(socket_path())
    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
        return _connect(path)
    with open(path + ".lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return _connect(path)
        if _detach():
            try:
                asyncio.run(Keeper().run(path))
            finally:
                os._exit(0)
        with contextlib.suppress(ChildProcessError):
            os.wait()
        until = time.monotonic() + START
        while True:
            try:
                return _connect(path)
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
