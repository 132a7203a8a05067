"""The demo's data folder: keys, and one home per login filled with the examples."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import asyncssh

LOGIN = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
PROFILE = """\
# Puts the Python that the examples need first.
[ -n "$VISPA_PYTHON" ] && PATH="$VISPA_PYTHON:$PATH"
"""


def default_data() -> Path:
    """The demo's data folder when none is named: below the user's own data folder."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "vispa-panel" / "demo"


@dataclass(frozen=True)
class DemoData:
    """Where the demo keeps its things; every folder is for its owner only."""

    root: Path

    def prepare(self) -> None:
        """Make the folders and keys that are not there yet."""
        for folder in (self.root, self.root / "homes", self.root / "ssh", self.notes):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        for path in (self.host_key, self.client_key):
            if not path.exists():
                _write_key(path)

    @property
    def notes(self) -> Path:
        """Small files that the sandboxes need."""
        return self.root / "sandbox"

    @property
    def host_key(self) -> Path:
        """The SSH server's private key; its public half is beside it, ending in ``.pub``."""
        return self.root / "ssh" / "host_key"

    @property
    def client_key(self) -> Path:
        """The private key that the portal signs in with."""
        return self.root / "ssh" / "client_key"

    def home(self, login: str) -> Path:
        """The home of ``login``, made from the examples when it is first asked for.

        Raises ValueError for a name that is no login name.
        """
        if not LOGIN.fullmatch(login):
            message = "not a login name"
            raise ValueError(message)
        home = self.root / "homes" / login
        if not home.exists():
            fresh = home.with_name(f".new-{login}-{os.getpid()}")
            shutil.copytree(str(files("vispa_panel") / "assets" / "examples"), fresh)
            for folder, _, names in os.walk(fresh):
                Path(folder).chmod(0o700)
                for name in names:
                    (Path(folder) / name).chmod(0o600)  # an installed example may be read-only
            (fresh / ".profile").write_text(PROFILE)
            fresh.rename(home)  # whole or not at all
        return home


def _write_key(path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="vispa-panel demo")
    unfinished = path.with_name(path.name + ".new")
    unfinished.touch(mode=0o600)
    key.write_private_key(unfinished)
    unfinished.chmod(0o600)
    key.write_public_key(path.with_name(path.name + ".pub"))
    unfinished.rename(path)
