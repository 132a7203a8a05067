"""The process that readers are forked from: all libraries loaded, and nothing else in it.

Started as ``python -m vispa_panel.physics.readers.server FD``. Over the socket ``FD`` comes one
JSON object a message: ``{"start": limits}`` with the reader's own socket and its open files behind
it, answered by ``{"pid": n}``; or ``{"kill": pid}``. When the socket closes, everything ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys

MESSAGE = 1 << 16
MOST_FILES = 200


def main() -> None:
    """Serve until the portal has gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    from vispa_panel.physics.readers.child import run  # noqa: PLC0415 - the long import

    gc.collect()
    gc.freeze()  # what is loaded stays shared between all readers
    control.send(json.dumps({"ready": True}).encode())
    children: set[int] = set()
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, MESSAGE, MOST_FILES)
        children = {pid for pid in children if _is_running(pid)}
        if not text:
            break
        message = json.loads(text)
        if "kill" in message:
            if message["kill"] in children:
                os.kill(message["kill"], signal.SIGKILL)
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            _become_reader(run, descriptors, message["start"])
        for descriptor in descriptors:
            os.close(descriptor)
        children.add(pid)
        control.send(json.dumps({"pid": pid}).encode())
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_running(pid: int) -> bool:
    """Whether a child of ours runs; one that has ended is cleared away."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _become_reader(run: object, descriptors: list[int], limits: object) -> None:
    """Never comes back: whatever happens in a reader, it does not become a second server."""
    code = 1
    try:
        if callable(run):
            run(descriptors, limits)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
