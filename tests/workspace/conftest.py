"""A connection to the suite's OpenSSH server, and the files behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vispa_panel.workspace.agent_files import AgentFiles
from vispa_panel.workspace.connection import Connection
from vispa_panel.workspace.definition import WorkspaceDefinition
from vispa_panel.workspace.sftp_files import SftpFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.openssh import OpenSshServer


def definition_of(server: OpenSshServer, **changes: object) -> WorkspaceDefinition:
    """The workspace that a test server is."""
    values: dict[str, object] = {
        "id": "test",
        "name": "Test host",
        "host": server.host,
        "port": server.port,
        "login": server.login,
        "key_file": server.key_path,
        "host_keys": (server.host_public_key,),
        "base_folder": str(server.home),
    }
    return WorkspaceDefinition(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
async def connection(sshd: OpenSshServer) -> AsyncIterator[Connection]:
    """Connected."""
    made = Connection(definition_of(sshd))
    await made.open()
    yield made
    await made.close()


@pytest.fixture(params=[SftpFiles, AgentFiles], ids=["sftp", "agent"])
def files(connection: Connection, request: pytest.FixtureRequest) -> SftpFiles:
    """The same promises hold with and without the agent."""
    made: SftpFiles = request.param(connection)
    return made
