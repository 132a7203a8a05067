from __future__ import annotations

from typing import TYPE_CHECKING

from vispa_panel.workspace.agent_program import install_and_start
from vispa_panel.workspace.agent_runs import AgentRuns
from vispa_panel.workspace.runs import RunState

if TYPE_CHECKING:
    import asyncssh

    from tests.demo.conftest import Workspace
    from vispa_panel.workspace.agent_client import AgentClient


async def agent(connection: asyncssh.SSHClientConnection) -> tuple[AgentClient, AgentRuns]:
    client = await install_and_start(connection)

    async def same() -> AgentClient:
        return client

    return client, AgentRuns(same)


async def test_an_example_that_is_executed_outlives_the_connection_with_its_picture(
    workspace: Workspace,
) -> None:
    async with workspace.connect("dora") as connection:
        home = str((await connection.run("echo ~")).stdout).strip()
        client, runs = await agent(connection)
        started = await runs.start("python dimuon_mass.py", folder=home)
        await client.close()

    async with workspace.connect("dora") as connection:
        client, runs = await agent(connection)
        last = started
        async for info in runs.follow(started.id):
            last = info
        text = await runs.output(started.id, offset=0)
        pictures = await runs.pictures(started.id)
        await client.close()

    assert (last.state, last.exit_code) == (RunState.FINISHED, 0), text
    assert b"wrote dimuon_mass.png" in text
    assert [picture.path.rpartition("/")[2] for picture in pictures] == ["dimuon_mass.png"]
