"""A real OpenSSH server on loopback, started and stopped by the suite."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.account import WorkspaceAccount

MISSING = "sshd is missing; install it: apt-get install openssh-server"
_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
# Newer servers punish a source that fails to log in, which is what some tests do on purpose.
_WHERE_KNOWN = ("PerSourcePenalties no",)


def find_sshd() -> str | None:
    """Where the server program is, or None."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class OpenSshServer:
    """One sshd for one account, on a free port of 127.0.0.1, with a host key of its own.

    ``host_public_key`` is the line as in a known_hosts file without its host name
    (``ssh-ed25519 AAAA...``). ``authorized_keys`` is the file that says who may log in.
    """

    host = "127.0.0.1"

    def __init__(self, account: WorkspaceAccount, *, extra: tuple[str, ...] = ()) -> None:
        self.account = account
        self.login = account.login
        self.home = account.home
        self.password = account.password
        self.base = Path(tempfile.mkdtemp(prefix="server-", dir=account.base))
        self.base.chmod(0o755)
        self.key_path = self.base / "user_key"
        self.port = 0
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None
        self.user_public_key = _make_key(self.key_path)
        self.host_public_key = _make_key(self.base / "host_key")
        self.authorized_keys = self.base / "authorized_keys"
        self.authorized_keys.write_text(f"{self.user_public_key}\n")
        self.authorized_keys.chmod(0o644)

    @property
    def known_hosts_line(self) -> str:
        """What a known_hosts file says of this server."""
        return f"[{self.host}]:{self.port} {self.host_public_key}"

    @property
    def process_id(self) -> int:
        """The listening process."""
        assert self._process is not None
        return self._process.pid

    def folder(self, prefix: str = "f") -> Path:
        """A fresh folder of the workspace user."""
        return self.account.folder(prefix)

    def write(self, path: Path, content: bytes, *, mode: int = 0o644) -> Path:
        """Put a file there for the workspace user."""
        path.write_bytes(content)
        path.chmod(mode)
        return self.account.own(path)

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command as the workspace user, beside SSH."""
        return self.account.run(*command, cwd=cwd)

    def log(self) -> str:
        """What the server has written so far."""
        return (self.base / "log").read_text(errors="replace")

    def start(self) -> None:
        """Listen; returns when a client gets the server's greeting. Keeps its port when known."""
        sshd = find_sshd()
        if sshd is None:
            raise RuntimeError(MISSING)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        fixed = self.port != 0
        for _attempt in range(20):
            if not fixed:
                self.port = _free_port()
            config = self._write_config(sshd)
            self._process = subprocess.Popen(
                [sshd, "-D", "-E", str(self.base / "log"), "-f", str(config)],
                stdin=subprocess.DEVNULL,
            )
            if self._greets():
                return
        raise RuntimeError(self.log())

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        self.end_connections()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def end_connections(self) -> None:
        """Kill the server's side of every open connection; it goes on listening."""
        for process_id in self.connection_ids():
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)

    def connection_ids(self) -> list[int]:
        """The server's processes that hold a connection (not what the user started in them)."""
        if self._process is None:
            return []
        held, wave = [], [self._process.pid]
        while wave:
            wave = [child for parent in wave for child in _children(parent) if _is_sshd(child)]
            held.extend(wave)
        return held

    @contextmanager
    def shell_startup(self, script: str) -> Iterator[None]:
        """Let the workspace user's shell run ``script`` whenever it starts, as ``~/.bashrc``."""
        rc_file = self.home / ".bashrc"
        self.write(rc_file, script.encode())
        try:
            yield
        finally:
            rc_file.unlink()

    def _write_config(self, sshd: str) -> Path:
        sftp = next((path for path in _SFTP_SERVERS if Path(path).exists()), "internal-sftp")
        # The account of whoever runs the tests has a home of its own: stay out of it.
        start = "" if self.account.made else f" -d {self.home}"
        lines = [
            f"Port {self.port}",
            f"ListenAddress {self.host}",
            f"HostKey {self.base / 'host_key'}",
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {self.base / 'pid'}",
            f"Subsystem sftp {sftp}{start}",
            f"SetEnv HOME={self.home} VISPA_TEST_MARKER={self.account.marker}",
            f"PasswordAuthentication {'yes' if self.password else 'no'}",
            "KbdInteractiveAuthentication no",
            # The keys lie below the machine's temporary folder, which anybody may write to.
            "StrictModes no",
            "UsePAM no",
            "PrintMotd no",
            "LogLevel VERBOSE",
            "MaxStartups 500",
            "LoginGraceTime 30",
            *self._extra,
        ]
        config = self.base / "sshd_config"
        for optional in (_WHERE_KNOWN, ()):
            config.write_text("\n".join([*lines, *optional, ""]))
            check = subprocess.run(
                [sshd, "-t", "-f", str(config)], capture_output=True, check=False, timeout=30
            )
            if check.returncode == 0:
                return config
        raise RuntimeError(check.stderr.decode(errors="replace"))

    def _greets(self) -> bool:
        """Whether the process just started answers on the port (False: it has ended)."""
        assert self._process is not None
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection((self.host, self.port), 1) as client:
                if client.recv(4) == b"SSH-":
                    return True
            time.sleep(0.01)
        return False


def _make_key(path: Path) -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)],
        check=True,
        timeout=30,
    )
    return Path(f"{path}.pub").read_text().strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(process_id: int) -> list[int]:
    with suppress(OSError):
        return [
            int(child)
            for child in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
        ]
    return []


def _is_sshd(process_id: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process_id}/comm").read_text().startswith("sshd")
    return False
