"""The first process inside a demo user's sandbox: it starts what the demo's SSH server asks for.

It runs as a file of its own with the standard library only, and outlives SSH connections, so that
the agent's kept terminals and runs live on between them; when its control socket ends, everything
below it ends too.

One message of the control socket (``SOCK_SEQPACKET``) is one JSON object::

    → {"id": 7, "argv": [...], "env": {...}}         with three descriptors: stdin, stdout, stderr
    → {"id": 7, "argv": [...], "env": {...}, "tty": [24, 80]}    rows and columns
    → {"id": 7, "kill": 15}                          to the process group
    ← {"id": 7, "started": true}                     with a terminal's descriptor if one was asked
    ← {"id": 7, "failed": "why"}
    ← {"id": 7, "exit": 0} or {"id": 7, "signal": 9}
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import json
import os
import pty
import resource
import select
import signal
import socket
import struct
import sys
import termios
import time
from typing import Any

MESSAGE_BYTES = 256 * 1024
PR_SET_CHILD_SUBREAPER = 36
LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 2 * 1024**3,  # bytes in one file
    resource.RLIMIT_AS: 16 * 1024**3,  # bytes of address space of one process
}


def adopt_orphans() -> None:
    """Make daemons started below this process its children, so that it can end them (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_limits(processes: int) -> None:
    """Bound what one process may use, and how many there may be (0: as the system says)."""
    wanted = dict(LIMITS)
    if processes:
        wanted[resource.RLIMIT_NPROC] = processes
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (allowed, allowed))


def descendants(root: int) -> list[int]:
    """Process ids of everything below ``root``, read from ``/proc``."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH208, PTH112
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
                parent = int(stat.read().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    pending = [root]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def reap() -> list[tuple[int, int]]:
    """Collect every child that has ended, as (process id, wait status)."""
    ended: list[tuple[int, int]] = []
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            ended.append((process, status))
    return ended


def end_everything(root: int, seconds: float = 5.0) -> None:
    """Kill all that lives below ``root``; new orphans come up to it and are killed in turn."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        below = descendants(root)
        for process in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        reap()
        if not below:
            return
        time.sleep(0.01)


class Spawner:
    """Serves one control socket until it ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running: dict[int, int] = {}  # process id -> request id

    def serve(self) -> None:
        """Start, watch and report commands until the other side goes away."""
        wake, ring = os.pipe()
        for end in (wake, ring):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        while True:
            sources: list[Any] = [self._control, wake]
            ready, _, _ = select.select(sources, [], [])
            if wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake, 4096)
                self._report_ended()
            if self._control in ready and not self._take_request():
                return

    def _take_request(self) -> bool:
        """Do one request; False once the control socket has ended."""
        room = socket.CMSG_SPACE(3 * array.array("i").itemsize)
        data, ancillary, _, _ = self._control.recvmsg(MESSAGE_BYTES, room, socket.MSG_CMSG_CLOEXEC)
        descriptors = array.array("i")
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                descriptors.frombytes(content[: len(content) // 4 * 4])
        if not data:
            return False
        try:
            self._do(json.loads(data), list(descriptors))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _do(self, request: dict[str, Any], descriptors: list[int]) -> None:
        identifier = request["id"]
        if "kill" in request:
            for process, known in self._running.items():
                if known == identifier:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(process, request["kill"])
            return
        master = slave = -1
        try:
            if request.get("tty"):
                master, slave = pty.openpty()
                # before the command starts: it may ask for its size at once
                size = struct.pack("HHHH", *request["tty"], 0, 0)
                fcntl.ioctl(master, termios.TIOCSWINSZ, size)
                name = os.ttyname(slave)
                # the first terminal a session leader opens becomes its controlling terminal
                actions: list[Any] = [(os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0)]
                actions += [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
            else:
                actions = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate(descriptors)]
            process = os.posix_spawnp(
                request["argv"][0],
                request["argv"],
                request["env"],
                file_actions=actions,
                setsid=True,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT],
            )
        except OSError as error:
            self._tell({"id": identifier, "failed": os.strerror(error.errno or 0)})
        else:
            self._running[process] = identifier
            self._tell({"id": identifier, "started": True}, [master] if master >= 0 else [])
        finally:
            for end in (master, slave):
                if end >= 0:
                    os.close(end)

    def _report_ended(self) -> None:
        for process, status in reap():
            identifier = self._running.pop(process, None)
            if identifier is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            how = {"exit": code} if code >= 0 else {"signal": -code}
            self._tell({"id": identifier, **how})

    def _tell(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._control, [json.dumps(message).encode()], descriptors or [])


def main() -> None:
    """Serve the control socket whose descriptor is the first argument."""
    descriptor, processes = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - the standard library's signature
    adopt_orphans()
    set_limits(processes)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        Spawner(socket.socket(fileno=descriptor)).serve()
    finally:
        end_everything(os.getpid())


if __name__ == "__main__":
    main()
