"""Where the agent keeps its things on the host; each folder belongs to the user alone."""

import os
import socket
import stat
from pathlib import Path

from .protocol import VERSION

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel takes 107."""


def private_folder(path):
    """Make the folder if needed; raises PermissionError unless it is the user's alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = os.lstat(str(path))
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PermissionError(13, "this folder belongs to somebody else", str(path))
    if stat.S_IMODE(status.st_mode) & 0o077:
        os.chmod(str(path), 0o700)
    return path


def _base(variable, default):
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / default


def cache_folder():
    """For the program itself, its socket and its messages."""
    return private_folder(_base("XDG_CACHE_HOME", ".cache") / "vispa")


def runs_folder():
    """For the runs: they are the user's data."""
    return private_folder(_base("XDG_DATA_HOME", ".local/share") / "vispa" / "runs")


def socket_path():
    """The keeper's socket: one per user, host (homes are shared) and protocol version."""
    name = "keeper-%d-%s.sock" % (VERSION, socket.gethostname()[:40])
    path = cache_folder() / name
    if len(os.fsencode(str(path))) <= LONGEST_SOCKET_PATH:
        return path
    return private_folder(Path("/tmp/vispa-%d" % os.geteuid())) / name  # noqa: S108 - checked
