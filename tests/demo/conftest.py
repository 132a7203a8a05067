from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh
import pytest

from vispa_panel.demo.homes import DemoData
from vispa_panel.demo.sandbox import working_bubblewrap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """A demo SSH server that runs as a process of its own."""

    data: DemoData
    process: subprocess.Popen[bytes]
    port: int
    sandboxed: bool

    def connect(self, login: str) -> AbstractAsyncContextManager[asyncssh.SSHClientConnection]:
        """Connect as the portal does: with the one key, checking the host's."""
        host_key = asyncssh.read_public_key(f"{self.data.host_key}.pub")
        return asyncssh.connect(
            "127.0.0.1",
            self.port,
            username=login,
            client_keys=[str(self.data.client_key)],
            known_hosts=([host_key], [], []),
            config=None,
        )


def start_workspace(root: Path, *, bubblewrap: bool) -> Workspace:
    """Start a demo SSH server; without ``bubblewrap`` it cannot find that program."""
    data = DemoData(root)
    environment = os.environ if bubblewrap else {**os.environ, "PATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-m", "vispa_panel.demo.ssh_server", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    return Workspace(data, process, ready["port"], ready["sandboxed"])


def stop(workspace: Workspace) -> None:
    """End the server as the demo's command does."""
    process = workspace.process
    process.terminate()
    assert process.wait(20) == 0
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


@pytest.fixture(scope="module", params=["sandboxed", "open"])
def workspace(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """A running demo SSH server, once with bubblewrap (where it works) and once without."""
    sandboxed = request.param == "sandboxed"
    root = tmp_path_factory.mktemp("demo")
    if sandboxed and working_bubblewrap(root) is None:
        pytest.skip("bubblewrap does not work on this machine")
    running = start_workspace(root, bubblewrap=sandboxed)
    assert running.sandboxed == sandboxed
    yield running
    stop(running)
