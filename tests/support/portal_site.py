"""The portal as its operator runs it: a process of its own, in front of a real SSH server."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.openssh import OpenSshServer

PASSWORD = "correct horse"
"""Of the user "anna" and of the administrator "boss"."""


@dataclass
class PortalSite:
    """``vispa-panel serve`` on a free port; ``sshd`` is its one workspace."""

    folder: Path
    sshd: OpenSshServer
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _cookies: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Ends with a slash."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "vispa.toml"

    def prepare(self) -> None:
        """Write the settings and make the accounts."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config.write_text(
            f"[portal]\nport = {self.port}\ndata_folder = {json.dumps(str(self.folder / 'data'))}\n"
            '[[workspaces]]\nid = "host"\nname = "Test host"\n'
            f'host = "{self.sshd.host}"\nport = {self.sshd.port}\nlogin = "{self.sshd.login}"\n'
            f'sign_in = "key file"\nkey_file = {json.dumps(str(self.sshd.key_path))}\n'
            f"host_keys = [{json.dumps(self.sshd.host_public_key)}]\n"
            f"base_folder = {json.dumps(str(self.sshd.home))}\ndefault = true\n"
        )
        for name, role in (("anna", "user"), ("boss", "admin")):
            words = ["user", "add", name, "--role", role, "--config", str(self.config)]
            subprocess.run(
                [sys.executable, "-m", "vispa_panel", *words],
                input=f"{PASSWORD}\n".encode(),
                check=True,
                timeout=60,
            )

    def start(self) -> None:
        """Returns when it answers."""
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vispa_panel", "serve", "--config", str(self.config)],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(self.address + "healthz"):  # noqa: S310 - loopback
                return
            assert self._process.poll() is None, self.log()
            time.sleep(0.05)
        raise AssertionError(self.log())

    def kill(self) -> None:
        """As a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=20)

    def stop(self) -> None:
        """As the operator would."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=30)

    def log(self) -> str:
        """What it has written so far."""
        return (self.folder / "log").read_text(errors="replace")

    def wait_for_draft(self, text: str) -> None:
        """Until the portal's database holds a draft with this text."""
        deadline = time.monotonic() + 20
        database = f"file:{next((self.folder / 'data').glob('portal.sqlite'))}?mode=ro"
        while time.monotonic() < deadline:
            with contextlib.closing(sqlite3.connect(database, uri=True)) as store:
                if any(text in row[0] for row in store.execute("SELECT text FROM drafts")):
                    return
            time.sleep(0.05)
        message = f"no draft holds {text!r}"
        raise AssertionError(message)

    def memory_now(self) -> int:
        """Bytes of its resident memory; the peak is counted from here on."""
        assert self._process is not None
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", encoding="ascii")
        return self._memory("VmRSS")

    def memory_peak(self) -> int:
        """Bytes of its resident memory at its highest since it was last asked for."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> int:
        assert self._process is not None
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as file:  # noqa: PTH123
            found = re.search(rf"{name}:\s+(\d+) kB", file.read())
        assert found is not None
        return int(found[1]) * 1024

    def health(self, *, forget: bool = False) -> dict[str, object]:
        """What the watchdog has seen since it was last told to ``forget``."""
        if "boss" not in self._cookies:
            self._cookies["boss"] = self.sign_in("boss")
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.address + "healthz",
            data=b"" if forget else None,
            headers={"Cookie": self._cookies["boss"]},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            told: dict[str, object] = json.load(answer)
            return told

    def sign_in(self, name: str) -> str:
        """The cookie, as a header's value."""
        body = f"name={name}&password={PASSWORD.replace(' ', '+')}".encode()
        request = urllib.request.Request(self.address + "sign-in", data=body)  # noqa: S310 - loopback
        opener = urllib.request.build_opener(_Stay)
        try:
            opener.open(request, timeout=20)
        except urllib.error.HTTPError as answer:
            with answer:
                return str(answer.headers["Set-Cookie"]).partition(";")[0]
        raise AssertionError("a sign-in is answered with a redirect")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing: the first answer is what a test asks for."""


@contextlib.contextmanager
def portal_site(folder: Path, sshd: OpenSshServer) -> Iterator[PortalSite]:
    """Started, and stopped at the end."""
    site = PortalSite(folder, sshd)
    site.prepare()
    site.start()
    try:
        yield site
    finally:
        site.stop()
