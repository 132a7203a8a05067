"""The HTCondor test pool, shared by every worker of the suite."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vispa_panel.workspace.definition import WorkspaceDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parents[2] / "deploy" / "testpool"
HOME = Path(os.environ.get("TESTPOOL_HOME", "/var/cache/vispa-testpool"))
TOOLS = ("ip", "nsenter", "unshare", "debootstrap")


def why_not() -> str:
    """Why the pool cannot be had here, as one sentence; empty when it can."""
    if os.geteuid() != 0:
        return "The HTCondor test pool needs root (network namespaces); run the suite as root."
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"The HTCondor test pool needs {', '.join(missing)}; see deploy/testpool/README.md."
    probe = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False
    )
    return "" if probe.returncode == 0 else "This machine allows no network namespaces."


def _pool(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    # To files, not pipes: the hosts' processes would hold a pipe open.
    log = HOME / f"{command[0]}.log"
    with log.open("w+") as out:
        done = subprocess.run(
            [str(HERE / "pool.sh"), *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=600,
        )
        out.seek(0)
        text = out.read()
    if check and done.returncode != 0:
        raise RuntimeError(text[-2000:])
    return subprocess.CompletedProcess(done.args, done.returncode, text, "")


@dataclass(frozen=True)
class TestPool:
    """A running pool; ``port`` on 127.0.0.1 is its login host's sshd."""

    __test__ = False
    port: int

    def definition(self, user: str = "alice") -> WorkspaceDefinition:
        """The login host as a workspace of one of its users."""
        keys = HOME / "run" / "keys"
        host_key = (keys / "ssh_host_ed25519_key.pub").read_text().split()[:2]
        return WorkspaceDefinition(
            id=f"pool-{user}",
            name="Test pool",
            host="127.0.0.1",
            port=self.port,
            login=user,
            key_file=keys / f"id_{user}",
            host_keys=(" ".join(host_key),),
        )

    def home(self, user: str = "alice") -> Path:
        """A user's shared home, seen from outside the pool."""
        return HOME / "run" / "home" / user

    def run(self, user: str, command: str, *, host: str = "login") -> str:
        """What a command line of a user on a host prints."""
        done = subprocess.run(
            [str(HERE / "pool.sh"), "as", user, host, command],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    def as_root(self, host: str, *command: str) -> str:
        """What a command of the host's root prints."""
        done = subprocess.run(
            [str(HERE / "pool.sh"), "exec", host, *command],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    def power_off(self, host: str) -> None:
        """As if the power went."""
        _pool("stop", host)

    def power_on(self, host: str) -> None:
        """Start a host again; returns when the pool is whole."""
        _pool("start", host)
        _pool("wait")


@contextmanager
def shared_pool() -> Iterator[TestPool]:
    """The pool, started where it is down; the last to leave takes down what the suite started."""
    HOME.mkdir(parents=True, exist_ok=True)
    ours = HOME / "started-by-the-tests"
    with (HOME / "lock").open("w") as lock, (HOME / "users").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        if "down" in _pool("status").stdout:
            ours.touch()
            _pool("up")
        _pool("wait")
        fcntl.flock(lock, fcntl.LOCK_UN)
        try:
            with _relay() as port:
                yield TestPool(port)
        finally:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_UN)
            if ours.exists() and _nobody_else(users.fileno()):
                _pool("down")
                ours.unlink()


def _nobody_else(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _relay() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "relay.py"), f"{_name()}-portal", f"{_net()}.12", "22"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _name() -> str:
    return os.environ.get("TESTPOOL_NAME", "vispa")


def _net() -> str:
    return os.environ.get("TESTPOOL_NET", "10.77.0")
