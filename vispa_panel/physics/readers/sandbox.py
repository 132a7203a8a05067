"""What a reader process gives up before it sees a byte of a file; no right of root is needed.

Each measure stands alone, since a kernel may lack one: resource limits always hold; Landlock
(Linux 5.13) leaves only Python's own folders to read and nothing to write; a filter of system
calls refuses sockets, new programs, signals and a look into other processes; a network namespace
of its own has no way out.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 4, 38, 22
_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_RIGHTS = (1 << 16) - 1

_CALLS: dict[str, dict[str, tuple[int, ...]]] = {
    "x86_64": {
        "refused": (
            29, 41, 42, 43, 49, 50, 53, 57, 58, 59, 62, 64, 68, 101, 155, 161, 165, 166, 169, 175,
            176, 200, 240, 246, 248, 249, 250, 272, 288, 298, 304, 308, 310, 311, 313, 320, 321,
            322, 323, 425, 426, 427, 434, 438,
        ),
        "clone": (56,), "clone3": (435,), "prlimit": (302,), "arch": (0xC000003E,),
    },
    "aarch64": {
        "refused": (
            39, 40, 41, 51, 97, 104, 105, 106, 117, 129, 130, 180, 186, 190, 194, 198, 199, 200,
            201, 202, 203, 217, 218, 219, 221, 241, 242, 265, 268, 270, 271, 273, 280, 281, 282,
            425, 426, 427, 434, 438,
        ),
        "clone": (220,), "clone3": (435,), "prlimit": (261,), "arch": (0xC00000B7,),
    },
}  # fmt: skip
"""Numbers of system calls: sockets, new programs, signals, mounts, tracing, keys, modules."""


def limit_resources(memory: int, cpu_seconds: int) -> None:
    """At most ``memory`` bytes beyond what the process has now, and CPU time; no files, no core."""
    present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_AS, present + memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        resource.setrlimit(what, (most, most))


def confine() -> tuple[str, ...]:
    """Give up files, network and other processes; the names of the measures that hold."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    held = []
    if _LIBC.unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0:
        held.append("namespace")
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        if _restrict_files():
            held.append("landlock")
        if _filter_calls():
            held.append("seccomp")
    return tuple(held)


def _restrict_files() -> bool:
    version = _LIBC.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return False
    rights = ctypes.c_uint64(_RIGHTS.get(version, _ALL_RIGHTS))
    rules = _LIBC.syscall(_LANDLOCK_CREATE, ctypes.byref(rights), 8, 0)
    if rules < 0:
        return False
    for folder in _python_folders():
        try:
            place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = ctypes.create_string_buffer(struct.pack("<Qi", _READ_FILE | _READ_DIR, place), 12)
        _LIBC.syscall(_LANDLOCK_ADD, rules, 1, rule, 0)
        os.close(place)
    done = _LIBC.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0
    os.close(rules)
    return bool(done)


def _python_folders() -> set[str]:
    """Where modules and shared libraries may still be loaded from."""
    packages = {path for path in sys.path if path.endswith("site-packages")}
    standard = {str(Path(os.__file__).parent)}
    here = {str(Path(__file__).parents[1])}
    return packages | standard | here | {"/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo"}


def _filter_calls() -> bool:
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return False
    program = _program(calls)
    data = b"".join(struct.pack("<HBBI", *line) for line in program)
    lines = ctypes.create_string_buffer(data, len(data))

    class Program(ctypes.Structure):
        """struct sock_fprog."""

        _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))

    whole = Program(len(program), ctypes.cast(lines, ctypes.c_void_p))
    return bool(_LIBC.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(whole), 0, 0) == 0)


def _program(calls: dict[str, tuple[int, ...]]) -> list[tuple[int, int, int, int]]:
    """The filter: allow all but the refused calls, new processes, and limits of others."""
    load, equal, at_least, has_bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allowed, refused, absent = 0x7FFF0000, 0x00050001, 0x00050026  # EPERM, ENOSYS
    lines = [
        (load, 0, 0, 4),  # which kind of processor the call is for
        (equal, 1, 0, calls["arch"][0]),
        (answer, 0, 0, refused),
        (load, 0, 0, 0),  # which call
        (at_least, 0, 1, 0x40000000),  # the same calls by other numbers
        (answer, 0, 0, refused),
    ]
    for number in calls["refused"]:
        lines += [(equal, 0, 1, number), (answer, 0, 0, refused)]
    lines += [(equal, 0, 1, calls["clone3"][0]), (answer, 0, 0, absent)]
    lines += [
        (equal, 0, 3, calls["clone"][0]),
        (load, 0, 0, 16),
        (has_bits, 1, 0, 0x00010000),  # a thread, not a process
        (answer, 0, 0, refused),
        (load, 0, 0, 0),
        (equal, 0, 3, calls["prlimit"][0]),
        (load, 0, 0, 16),
        (equal, 1, 0, 0),  # only the process itself
        (answer, 0, 0, refused),
        (answer, 0, 0, allowed),
    ]
    return lines
