"""Ending what was started: a whole group, a whole session."""

import contextlib
import os
import signal


def start_time(pid):
    """The start of a process in clock ticks since boot, or None: tells a pid from its heir."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def session_members(session):
    """The process ids of a session, zombies left out."""
    members = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != b"Z":
            members.append(int(name))
    return members


def signal_session(session, number):
    """Send a signal to every process of a session; returns whether there was one."""
    members = session_members(session)
    for pid in members:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return bool(members)


def exit_code(wait_status):
    """The exit code from what ``waitpid`` says; negative for a signal."""
    if os.WIFSIGNALED(wait_status):
        return -os.WTERMSIG(wait_status)
    return os.WEXITSTATUS(wait_status)


INTERRUPT, TERMINATE, KILL, HANG_UP = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGKILL,
    signal.SIGHUP,
)
