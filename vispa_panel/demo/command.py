"""``vispa-panel demo``: the portal and a workspace of its own, on this machine, for trying it out.

This process only watches: the SSH server and the portal are processes of their own, both end with
it, and when one of them ends the whole demo ends.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vispa_panel.demo.homes import DemoData, default_data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

LOOPBACK = "127.0.0.1"
PORTS_TRIED = 100
START_SECONDS = 60.0
STOP_SECONDS = 12.0
SANDBOXED = "Commands of its users run in a bubblewrap sandbox of their own, without network."
NOT_SANDBOXED = (
    "There is no working bubblewrap here, so commands of its users and guests run as you,"
    " with everything you may do."
)


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


class Stopped(Exception):
    """Somebody asked the demo to end."""


@dataclass(frozen=True)
class Account:
    """The demo's own user."""

    name: str
    password: str


def demo_account(data: DemoData) -> Account:
    """Return the demo's user; the password is made once and kept in a file for its owner only."""
    path = data.root / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return Account("demo", path.read_text())


def free_port(wanted: int) -> tuple[int, TextIO]:
    """Return the first port from ``wanted`` on that nothing listens at, and its reservation.

    Two demos that start in the same moment must not choose the same one: as long as the
    reservation stays open, no other demo of this user takes the port. Raises DemoFailed if there
    is none among the next hundred.
    """
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        reserved = _reserve(port)
        if reserved is None:
            continue
        if _is_free(port) and not _listens("::1", port):  # a browser may try ::1 first
            return port, reserved
        reserved.close()
    message = f"All ports from {wanted} on are taken; choose another one with --port."
    raise DemoFailed(message)


def _reserve(port: int) -> TextIO | None:
    path = Path(tempfile.gettempdir()) / f"vispa-demo-{os.getuid()}-{port}.lock"
    try:
        # The folder is everybody's: a link that waits there is not followed.
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    file = os.fdopen(handle, "r+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


class Supervisor:
    """Starts the two processes, and ends them however the demo ends."""

    def __init__(self, data: DemoData) -> None:
        self._data = data
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, module: str, *arguments: str, answers: bool) -> subprocess.Popen[bytes]:
        """Start ``python -m module``; it holds our pipe as its lifeline."""
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if answers else None,
            start_new_session=True,  # Ctrl+C comes to this process alone
        )
        self._children.append(child)
        return child

    def start_workspace(self) -> tuple[int, bool]:
        """Start the SSH server; return its port and whether its users are in sandboxes."""
        child = self.start("vispa_panel.demo.ssh_server", str(self._data.root), answers=True)
        line = child.stdout.readline() if child.stdout is not None else b""
        if not line:
            message = "The demo's SSH server did not start; see the lines above."
            raise DemoFailed(message)
        ready = json.loads(line)
        return int(ready["port"]), bool(ready["sandboxed"])

    def start_portal(self, port: int, workspace_port: int) -> None:
        """Start the portal and wait until it answers."""
        arguments = (str(self._data.root), str(port), str(workspace_port))
        self.start("vispa_panel.demo.portal", *arguments, answers=False)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            self._check()
            if time.monotonic() > deadline:
                message = f"The portal did not answer within {START_SECONDS:.0f} s."
                raise DemoFailed(message)
            time.sleep(0.1)

    def watch(self) -> None:
        """Return never: raise DemoFailed as soon as one of the processes has ended."""
        while True:
            self._check()
            time.sleep(0.5)

    def stop(self) -> None:
        """End everything, the portal first."""
        for child in reversed(self._children):
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _check(self) -> None:
        for child in self._children:
            if child.poll() is not None:
                message = "A part of the demo has ended by itself; see the lines above."
                raise DemoFailed(message)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop_on(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="vispa-panel demo", description="Try the portal on this machine."
    )
    parser.add_argument("--port", type=int, default=8080, help="first port to try (8080)")
    parser.add_argument("--data", type=Path, default=None, help="folder for homes and keys")
    return parser.parse_args(argv)


def _run(supervisor: Supervisor, data: DemoData, wanted: int) -> None:
    workspace_port, sandboxed = supervisor.start_workspace()
    port, reserved = free_port(wanted)
    if port != wanted:
        _say(f"Port {wanted} is taken; using {port}.")
    account = demo_account(data)
    supervisor.start_portal(port, workspace_port)
    _say(f"\n    http://localhost:{port}/\n")
    _say(f"Sign in as {account.name} with the password {account.password}, or try as guest.")
    _say(f"It listens on this machine only. {SANDBOXED if sandboxed else NOT_SANDBOXED}")
    _say(f"Homes are kept in {data.root}. Ctrl+C ends everything.")
    with reserved:
        supervisor.watch()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo until it is interrupted; 0 if somebody ended it, 1 if it failed."""
    arguments = _arguments(argv)
    data = DemoData((arguments.data or default_data()).resolve())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_on)
    supervisor = Supervisor(data)
    try:
        data.prepare()
        _run(supervisor, data, arguments.port)
    except Stopped:
        _say("Ending the demo.")
    except DemoFailed as error:
        _say(str(error))
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command line


if __name__ == "__main__":
    sys.exit(main())
