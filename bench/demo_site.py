"""The demo as a process of its own, as somebody who tries the portal starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = "vispa_panel.demo.command"
PORT = 8640
STOP_SECONDS = 30


@dataclass(frozen=True)
class DemoSite:
    """A running demo: its address, the password of its user "demo", the portal's process id."""

    address: str
    password: str
    portal_pid: int


def _portal_pid(starter: int) -> int:
    """The child of the demo's command that serves the pages; raises RuntimeError without one."""
    children = Path(f"/proc/{starter}/task/{starter}/children").read_text().split()
    for child in children:
        if b"vispa_panel.demo.portal" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    message = "the demo has no portal"
    raise RuntimeError(message)


@contextmanager
def demo_site() -> Iterator[DemoSite]:
    """Start a demo with homes of its own; it ends with the block, and its homes with it."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "--port", str(PORT), "--data", folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            said = ""
            for line in process.stdout or ():
                said += line
                if "Ctrl+C" in line:
                    break
            address = re.search(r"http://localhost:\d+/", said)
            password = re.search(r"with the password (\S+),", said)
            if address is None or password is None:
                message = "the demo did not start"
                raise RuntimeError(message)
            yield DemoSite(address.group(), password.group(1), _portal_pid(process.pid))
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=STOP_SECONDS)  # it says goodbye
