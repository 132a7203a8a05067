"""The agent as a process of its own, on pipes instead of SSH, with folders of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vispa_panel.workspace.agent_client import AgentClient
from vispa_panel.workspace.agent_program import program
from vispa_panel.workspace.agent_runs import AgentRuns
from vispa_panel.workspace.agent_terminals import AgentTerminals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Host:
    """A host as the agent sees it: its folders, and every agent started on it."""

    base: Path
    environment: dict[str, str]
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self) -> AgentClient:
        """Connect, as a portal does."""
        process = await self.process()
        assert process.stdout is not None
        assert process.stdin is not None
        client = await AgentClient.start(process.stdout, process.stdin)
        assert client is not None
        return client

    async def process(self) -> asyncio.subprocess.Process:
        """The agent's process with its pipes."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(self.base / "agent.pyz"),
            "connect",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self.environment,
        )
        self.processes.append(process)
        return process

    def keeper_ids(self) -> list[int]:
        """The processes that keep runs and terminals here, and what they keep."""
        wanted = f"VISPA_TEST_HOST={self.base}".encode()
        ours = {process.pid for process in self.processes}
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) not in ours:
                with suppress(OSError):
                    if wanted in (folder / "environ").read_bytes().split(b"\0"):
                        found.append(int(folder.name))
        return found

    async def end(self) -> None:
        """Kill everything that was started for this host."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for pid in self.keeper_ids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A host without a keeper yet; its path is short, for a socket's may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="host-") as folder:
        base = Path(folder)
        (base / "agent.pyz").write_bytes(program()[1])
        environment = os.environ | {
            "XDG_CACHE_HOME": str(base / "cache"),
            "XDG_DATA_HOME": str(base / "data"),
            "HOME": str(base),
            "SHELL": "/bin/bash",
            "VISPA_TEST_HOST": str(base),
        }
        made = Host(base, environment)
        yield made
        await made.end()


@pytest.fixture
async def client(host: Host) -> AsyncIterator[AgentClient]:
    """Connected to the host."""
    made = await host.start()
    yield made
    await made.close()


@pytest.fixture
def runs(client: AgentClient) -> AgentRuns:
    """The runs of the host."""

    async def now() -> AgentClient:
        return client

    return AgentRuns(now)


@pytest.fixture
def terminals(client: AgentClient) -> AgentTerminals:
    """The terminals of the host."""

    async def now() -> AgentClient:
        return client

    return AgentTerminals(now)
