"""One long-lived sandbox per demo login: bubblewrap where it works, else only a spawner.

Inside there is the login's home (writable, at ``/home/<login>``), the system and the Python
environment (read-only), a private ``/tmp``, no other process, no network and nothing of the portal.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSIDE = Path("/opt/vispa-demo")
PROGRAMS = ("spawner.py", "sftp_worker.py")
SYSTEM_FILES = (
    "alternatives",
    "bash.bashrc",
    "fonts",
    "inputrc",
    "ld.so.cache",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "profile",
    "terminfo",
    "vim",
)
USER_ID = 1000
PROCESSES = 1024
TMP_BYTES = 512 * 1024**2


@dataclass(frozen=True)
class Room:
    """How commands of one login are started: ``prefix`` + command, and what they see."""

    prefix: tuple[str, ...]
    home: Path
    """The home as the commands see it."""
    programs: Path
    """Where the helper programs are, as the commands see it."""
    processes: int
    """How many processes there may be; 0 for the system's own limit."""


def _python_folders() -> list[Path]:
    """Folders that the environment's Python needs beyond ``/usr``."""
    folders = {
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.executable).resolve().parent.parent,
    }
    folders |= {Path(entry) for entry in sys.path if entry.endswith("site-packages")}
    outside = sorted(folder for folder in folders if not folder.is_relative_to("/usr"))
    return [folder for folder in outside if folder.is_dir()]


def _system() -> list[str]:
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        place = Path("/") / name
        if place.is_symlink():
            arguments += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            arguments += ["--ro-bind", str(place), str(place)]
    for name in SYSTEM_FILES:
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for folder in _python_folders():
        arguments += ["--ro-bind", str(folder), str(folder)]
    for name in PROGRAMS:
        arguments += ["--ro-bind", str(HERE / name), str(INSIDE / name)]
    return arguments


def _private(login: str, notes: Path, bubblewrap: str) -> list[str]:
    """Namespaces of its own, an account of its own and a ``/tmp`` of its own."""
    notes.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwd, group = notes / f"{login}.passwd", notes / f"{login}.group"
    passwd.write_text(f"{login}:x:{USER_ID}:{USER_ID}:demo:/home/{login}:/bin/bash\n")
    group.write_text(f"{login}:x:{USER_ID}:\n")
    help_text = subprocess.run([bubblewrap, "--help"], capture_output=True, text=True, check=False)
    size = ["--size", str(TMP_BYTES)] if "--size" in help_text.stdout else []
    account = [
        *("--unshare-all", "--unshare-user", "--uid", str(USER_ID), "--gid", str(USER_ID)),
        *("--hostname", "demo", "--cap-drop", "ALL", "--die-with-parent", "--new-session"),
        *("--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/tmp"),  # noqa: S108 - inside
    ]
    files = ["--ro-bind", str(passwd), "/etc/passwd", "--ro-bind", str(group), "/etc/group"]
    return account + files


def bubblewrap_room(bubblewrap: str, login: str, home: Path, notes: Path) -> Room:
    """The room of one login behind bubblewrap."""
    inside = Path("/home") / login
    arguments = [*_private(login, notes, bubblewrap), *_system()]
    arguments += ["--bind", str(home), str(inside), "--chdir", str(inside)]
    return Room((bubblewrap, *arguments, "--"), inside, INSIDE, PROCESSES)


def open_room(home: Path) -> Room:
    """The room of one login without bubblewrap: no wall, only an end."""
    return Room((), home, HERE, 0)


def working_bubblewrap(folder: Path) -> str | None:
    """The path of a bubblewrap that really works here, or None.

    Containers and hardened kernels refuse what it needs, so it is tried, with the arguments it
    will be used with; ``folder`` stands for a home.
    """
    found = shutil.which("bwrap")
    if found is None or sys.platform != "linux":
        return None
    room = bubblewrap_room(found, "probe", folder, folder)
    command = [*room.prefix, sys.executable, "-I", "-c", "import asyncssh"]
    try:
        done = subprocess.run(command, env={}, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found if done.returncode == 0 else None


def environment(login: str, room: Room) -> dict[str, str]:
    """The environment of a command: nothing is inherited from whoever started the demo."""
    binaries = Path(sys.executable).parent
    system = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    return {
        "HOME": str(room.home),
        "LANG": "C.UTF-8",
        "LOGNAME": login,
        "PATH": f"{binaries}{os.pathsep}{system}",
        "SHELL": "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh",
        "USER": login,
        "VISPA_PYTHON": str(binaries),
    }
