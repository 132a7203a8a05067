"""The account on this machine that plays the workspace user.

Under root it must not be root, or no test of a permission would mean anything: a throw-away system
account is made and removed again. Off root it is whoever runs the tests, with a home of its own.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "vispat"
_TOOL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class WorkspaceAccount:
    """Who logs in: ``marker`` stands in the environment of everything started for this account.

    ``password`` is None where none is known (off root). ``base`` is a world-readable folder that
    belongs to the test run; ``home`` lies below it.
    """

    login: str
    uid: int
    gid: int
    base: Path
    home: Path
    password: str | None
    marker: str

    @property
    def made(self) -> bool:
        """Whether the account exists for the tests alone."""
        return self.password is not None

    def own(self, path: Path) -> Path:
        """Hand a file or folder to the account."""
        if self.made:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        return path

    def folder(self, prefix: str = "f") -> Path:
        """A fresh folder of the account, below its home."""
        return self.own(Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=self.home)))

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command as the account, beside SSH; raises CalledProcessError when it fails."""
        drop: dict[str, Any] = {}
        if self.made:
            drop = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            command,
            cwd=cwd or self.home,
            env={"HOME": str(self.home), "PATH": _TOOL_PATH, "LANG": "C.UTF-8"},
            capture_output=True,
            check=True,
            timeout=60,
            **drop,
        )

    def process_ids(self) -> list[int]:
        """Everything that runs for this account now (by its marker, and its user id if made)."""
        found = []
        needle = f"VISPA_TEST_MARKER={self.marker}".encode()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            with suppress(OSError):
                owned = self.made and folder.stat().st_uid == self.uid
                if owned or needle in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def end_processes(self) -> None:
        """Kill what is left of the account's processes, agents included."""
        for process_id in self.process_ids():
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)


@contextmanager
def workspace_account() -> Iterator[WorkspaceAccount]:
    """Make the account (or take the current one), and leave nothing behind."""
    base = Path(tempfile.mkdtemp(prefix="vispa-sshd-"))
    base.chmod(0o755)
    home = base / "home"
    home.mkdir(mode=0o700)
    marker = secrets.token_hex(8)
    if os.geteuid() == 0:
        account = _make_account(base, home, marker)
    else:
        me = pwd.getpwuid(os.geteuid())
        account = WorkspaceAccount(me.pw_name, me.pw_uid, me.pw_gid, base, home, None, marker)
    try:
        yield account
    finally:
        account.end_processes()
        if account.made:
            _remove_account(account.login)
        shutil.rmtree(base, ignore_errors=True)


def _make_account(base: Path, home: Path, marker: str) -> WorkspaceAccount:
    login = f"{_PREFIX}{os.getpid()}"
    password = secrets.token_urlsafe(12)
    with _account_lock():
        _sweep_dead_accounts()
        _tool("useradd", "--no-create-home", "--home-dir", str(home), "--shell", "/bin/bash", login)
        # Without a password the account counts as locked, and sshd refuses even its keys.
        _tool("chpasswd", "--crypt-method", "SHA512", text=f"{login}:{password}\n")
    entry = pwd.getpwnam(login)
    os.chown(home, entry.pw_uid, entry.pw_gid)
    return WorkspaceAccount(login, entry.pw_uid, entry.pw_gid, base, home, password, marker)


def _remove_account(login: str) -> None:
    with _account_lock():
        _tool("userdel", "--force", login)


def _sweep_dead_accounts() -> None:
    """Remove the accounts of test runs that were killed: their name carries a dead process id."""
    for entry in pwd.getpwall():
        match = re.fullmatch(rf"{_PREFIX}(\d+)", entry.pw_name)
        if match and not Path(f"/proc/{match[1]}").exists():
            _tool("userdel", "--force", entry.pw_name)


@contextmanager
def _account_lock() -> Iterator[None]:
    """Let one test run at a time change the machine's accounts."""
    with Path("/run/vispa-test-accounts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tool(name: str, *arguments: str, text: str = "") -> None:
    program = shutil.which(name, path=_TOOL_PATH)
    if program is None:
        message = f"{name} is missing; install it: apt-get install passwd"
        raise RuntimeError(message)
    subprocess.run(
        [program, *arguments], input=text.encode(), capture_output=True, check=True, timeout=60
    )
