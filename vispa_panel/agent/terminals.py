"""Terminals that stay: a login shell in a PTY, its scrollback, and whoever watches."""

import asyncio
import contextlib
import fcntl
import os
import pty
import pwd
import re
import secrets
import signal
import struct
import termios
import time

from . import processes
from .protocol import Refused

READ = 1 << 16
SCROLLBACK = 1 << 20
WINDOW = 1 << 18
"""Bytes that one watcher may have before it acknowledges."""

WAITING = 1 << 17
"""When every watcher has this much waiting, the program waits too."""

BEHIND = 4 << 20
"""A watcher that is this far behind gets the scrollback's end instead."""

GATHER = 0.004
"""Seconds for which a flood is gathered into one message."""

TRICKLE = 4096
"""Bytes in that time that go at once: a key's echo never waits."""

MOST_TERMINALS = 50

# A replay must not make the browser answer questions that were answered long ago.
_QUERIES = re.compile(
    rb"\x1b\[[?>=!]?[0-9;]*[cn]|\x1b\[[?>]?[0-9;]*\$p|\x1b\[[0-9;]*t|\x1bP\$q[^\x1b]*\x1b\\"
    rb"|\x1b\][0-9;]*\?(?:\x07|\x1b\\)|\x05"
)
_ALTERNATE = re.compile(rb"\x1b\[\?(?:1049|1047|47)([hl])")
_TITLE = re.compile(rb"\x1b\][02];([^\x07\x1b]{0,400})(?:\x07|\x1b\\)")
_LONGEST_SEQUENCE = 512


class Watcher:
    """One attachment: what waits for it and how much more it may get."""

    def __init__(self, call):
        self.call = call
        self.credit = WINDOW
        self.waiting = bytearray()
        self.ended = asyncio.Event()
        self._loop = asyncio.get_event_loop()
        self._since = 0.0
        self._recent = 0
        self._timer = None

    def take(self, data):
        """Queue output; it goes now, or together with what follows shortly."""
        self.waiting += data
        now = self._loop.time()
        if now - self._since > GATHER:
            self._since, self._recent = now, 0
        self._recent += len(data)
        if self._recent <= TRICKLE or len(self.waiting) >= READ:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(GATHER, self.flush)

    def flush(self):
        """Send what the credit allows."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.waiting and self.credit > 0:
            piece = bytes(self.waiting[: min(READ, self.credit)])
            del self.waiting[: len(piece)]
            self.credit -= len(piece)
            self.call.post({"output": True}, piece)


class Terminal:
    """A shell in a PTY."""

    def __init__(self, folder, columns, rows):
        self.id = secrets.token_hex(8)
        self.started = time.time()
        self.title = ""
        self.exit_code = None
        self._scrollback = bytearray()
        self._cut = False
        self._alternate = False
        self._tail = b""
        self._watchers = []
        self._unsent = bytearray()
        self._reading = False
        self.pid, self._fd = _start_shell(folder, columns, rows)
        os.set_blocking(self._fd, False)
        self._loop = asyncio.get_event_loop()
        self._resume()

    @property
    def alive(self):
        """Whether the shell goes on."""
        return self._fd >= 0

    def info(self):
        """What is told of it."""
        return {
            "id": self.id,
            "title": self.title,
            "started": self.started,
            "alive": self.alive,
            "exit_code": self.exit_code,
        }

    # -- output --------------------------------------------------------------------------------

    def _resume(self):
        if not self._reading and self.alive:
            self._loop.add_reader(self._fd, self._readable)
            self._reading = True

    def _pause(self):
        if self._reading:
            self._loop.remove_reader(self._fd)
            self._reading = False

    def _readable(self):
        # The kernel hands out at most 4 kB of a terminal at once.
        pieces, count = [], 0
        while count < READ:
            try:
                data = os.read(self._fd, READ)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            pieces.append(data)
            count += len(data)
            if not data:
                break
        if count:
            self._spread(b"".join(pieces))
        if pieces and not pieces[-1]:
            self._finish()

    def _spread(self, data):
        self._remember(data)
        for watcher in self._watchers:
            watcher.take(data)
            if len(watcher.waiting) > BEHIND:
                watcher.waiting = bytearray(b"\x1bc" + self._replay())
        if self._watchers and all(len(one.waiting) >= WAITING for one in self._watchers):
            self._pause()

    def _remember(self, data):
        self._scrollback += data
        if len(self._scrollback) > 2 * SCROLLBACK:
            del self._scrollback[:-SCROLLBACK]
            self._cut = True
        # A sequence may be cut between two reads: look at the end of the last one again.
        seen = self._tail + data
        for found in _ALTERNATE.finditer(seen):
            self._alternate = found.group(1) == b"h"
        titles = _TITLE.findall(seen)
        if titles:
            text = titles[-1].decode("utf-8", "replace")
            self.title = "".join(one for one in text if one.isprintable())[:80]
        self._tail = seen[-_LONGEST_SEQUENCE:]

    def _replay(self):
        data = bytes(self._scrollback[-SCROLLBACK:])
        if self._cut or len(self._scrollback) > SCROLLBACK:
            data = data[data.find(b"\n") + 1 :]
            if self._alternate:
                data = b"\x1b[?1049h" + data
        return _QUERIES.sub(b"", data)

    def _finish(self):
        self._pause()
        self._loop.remove_writer(self._fd)
        self._unsent.clear()
        os.close(self._fd)
        self._fd = -1
        for watcher in self._watchers:
            watcher.ended.set()

    # -- watchers ------------------------------------------------------------------------------

    async def watch(self, call, columns, rows):
        """Serve one attachment until the shell ends or the watcher leaves."""
        watcher = Watcher(call)
        watcher.waiting += self._replay()
        self._watchers.append(watcher)

        def more(count):
            watcher.credit = min(WINDOW, watcher.credit + count)
            watcher.flush()
            if any(len(one.waiting) < WAITING for one in self._watchers):
                self._resume()

        try:
            watcher.flush()
            call.listen(self.write, more)
            self._redraw(columns, rows)
            if not self.alive:
                watcher.ended.set()
            await watcher.ended.wait()
            while watcher.waiting:
                watcher.flush()
                await asyncio.sleep(0.01)
            return {"exit_code": self.exit_code}
        finally:
            self._watchers.remove(watcher)
            self._resume()

    def _redraw(self, columns, rows):
        """A full-screen program draws itself anew when its size changes."""
        if self._alternate and rows > 1:
            self.resize(columns, rows - 1)
        self.resize(columns, rows)

    def write(self, data):
        """Type; what the terminal does not take at once follows as it takes it."""
        if self.alive:
            idle = not self._unsent
            self._unsent += data
            if idle:
                self._send_on()

    def _send_on(self):
        if not self.alive:
            return
        try:
            del self._unsent[: os.write(self._fd, bytes(self._unsent[:4096]))]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        if self._unsent:
            self._loop.add_writer(self._fd, self._send_on)
        else:
            self._loop.remove_writer(self._fd)

    def resize(self, columns, rows):
        """Set the size in characters."""
        if self.alive:
            size = struct.pack("HHHH", rows, columns, 0, 0)
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    async def close(self):
        """Hang up, and kill what does not go."""
        processes.signal_session(self.pid, processes.HANG_UP)
        for _ in range(40):
            if not processes.session_members(self.pid):
                break
            await asyncio.sleep(0.05)
        else:
            processes.signal_session(self.pid, processes.KILL)
        if self.alive:
            self._finish()


def _start_shell(folder, columns, rows):
    account = pwd.getpwuid(os.geteuid())
    shell = os.environ.get("SHELL") or account.pw_shell or "/bin/sh"
    environment = dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor", SHELL=shell)
    if not any(environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")):
        environment["LANG"] = "C.UTF-8"
    pid, fd = pty.fork()
    if pid:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return pid, fd
    try:
        # Python ignores these; a program that writes to a closed pipe must end.
        for name in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(name, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            os.chdir(os.path.expanduser("~"))
            os.chdir(folder or ".")
        os.execve(shell, ["-" + os.path.basename(shell)], environment)  # noqa: S606 - the shell itself
    finally:
        os._exit(127)


class Terminals:
    """All terminals of the user on this host."""

    def __init__(self):
        self._kept = {}

    @property
    def busy(self):
        """Whether a shell goes on."""
        return any(terminal.alive for terminal in self._kept.values())

    def reaped(self, pid, code):
        """A child has ended."""
        for terminal in self._kept.values():
            if terminal.pid == pid:
                terminal.exit_code = code

    def _get(self, call):
        terminal = self._kept.get(call.text("terminal"))
        if terminal is None:
            raise Refused("missing", "this terminal has ended")
        return terminal

    async def open(self, call, _):
        """``terminal.open``: ``{"id": ...}``."""
        self._kept = {one.id: one for one in self._kept.values() if one.alive}
        if len(self._kept) >= MOST_TERMINALS:
            raise Refused("too-many", "there are too many open terminals; close some first")
        columns, rows = call.count("columns", 80, 1000), call.count("rows", 24, 1000)
        terminal = Terminal(call.text("folder", ""), max(columns, 2), max(rows, 2))
        self._kept[terminal.id] = terminal
        return {"id": terminal.id}

    async def attach(self, call, _):
        """``terminal.attach``: items of output until it ends; takes input and credit."""
        terminal = self._get(call)
        columns, rows = call.count("columns", 80, 1000), call.count("rows", 24, 1000)
        return await terminal.watch(call, max(columns, 2), max(rows, 2))

    async def resize(self, call, _):
        """``terminal.resize``."""
        columns, rows = call.count("columns", 80, 1000), call.count("rows", 24, 1000)
        self._get(call).resize(max(columns, 2), max(rows, 2))

    async def list(self, _call, _):
        """``terminal.list``: ``{"terminals": [...]}``."""
        return {"terminals": [terminal.info() for terminal in self._kept.values()]}

    async def close(self, call, _):
        """``terminal.close``."""
        terminal = self._get(call)
        await terminal.close()
        self._kept.pop(terminal.id, None)

    def methods(self):
        """What this room answers."""
        return {
            "terminal.open": self.open,
            "terminal.attach": self.attach,
            "terminal.resize": self.resize,
            "terminal.list": self.list,
            "terminal.close": self.close,
        }
