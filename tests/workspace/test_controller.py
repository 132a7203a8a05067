"""The controller: machines of one's own, tabs of each workspace apart, work that fails told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.dummies import MemoryDrafts, MemoryFiles
from tests.workspace.conftest import definition_of
from vispa_panel.errors import FileMissing, HostKeyUnknown, NotAllowed
from vispa_panel.extensions import Registry, Tool
from vispa_panel.workspace.agent_files import AgentFiles
from vispa_panel.workspace.agent_runs import AgentRuns
from vispa_panel.workspace.agent_terminals import AgentTerminals
from vispa_panel.workspace.connection import Secret
from vispa_panel.workspace.controller import WorkspaceController
from vispa_panel.workspace.definition import SignIn, WorkspaceDefinition
from vispa_panel.workspace.open_tabs import OpenTabs, Tab
from vispa_panel.workspace.pool import ConnectionPool
from vispa_panel.workspace.services import WorkspaceServices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.openssh import OpenSshServer

USER = 7


class Kept:
    """A user's own workspaces and remembered values, in memory."""

    def __init__(self) -> None:
        self.allowed = True
        self.machines: dict[str, WorkspaceDefinition] = {}
        self.values: dict[str, object] = {}

    async def list(self) -> tuple[WorkspaceDefinition, ...]:
        return tuple(self.machines.values())

    async def save(self, definition: WorkspaceDefinition) -> None:
        if not self.allowed:
            message = "no"
            raise NotAllowed(message)
        self.machines[definition.id] = definition

    async def delete(self, workspace_id: str) -> None:
        del self.machines[workspace_id]


class Remembered:
    """What a user's pages remember."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    async def load(self, key: str) -> object:
        return self.values.get(key)

    async def save(self, key: str, value: object) -> None:
        self.values[key] = value


class Bench:
    """A controller over real connections."""

    def __init__(self, *workspaces: WorkspaceDefinition) -> None:
        self.pool = ConnectionPool()
        self.own = Kept()
        self.memory = Remembered()
        registry = Registry()
        registry.add(
            Tool(name="editor", icon="", build=MemoryFiles, title=str, opens=lambda _: 10)  # type: ignore[arg-type]
        )
        self.controller = WorkspaceController(
            workspaces=workspaces,
            own=self.own,
            open_services=self.services,
            registry=registry,
            memory=self.memory,
        )

    def services(self, definition: WorkspaceDefinition) -> WorkspaceServices:
        connection = self.pool.lease(USER, definition)
        return WorkspaceServices(
            connection=connection,
            files=AgentFiles(connection),
            runs=AgentRuns(connection.agent),
            terminals=AgentTerminals(connection.agent),
            drafts=MemoryDrafts(),
            release=lambda: self.pool.release(USER, definition),
        )

    async def settled(self) -> None:
        """Until no background work is under way."""
        await self.controller.rest()


@pytest.fixture
async def bench(sshd: OpenSshServer) -> AsyncIterator[Bench]:
    made = Bench(definition_of(sshd, id="first", is_default=True))
    yield made
    await made.controller.close()


def machine(sshd: OpenSshServer, **changes: object) -> WorkspaceDefinition:
    values: dict[str, object] = {
        "id": "own-1",
        "name": "Mine",
        "is_own": True,
        "sign_in": SignIn.KEY,
        "key_file": None,
    }
    return definition_of(sshd, **(values | changes))


async def test_it_begins_with_the_first_workspace(bench: Bench, sshd: OpenSshServer) -> None:
    await bench.controller.start()
    await bench.settled()

    assert bench.controller.ready
    assert bench.controller.home == str(sshd.home)


async def test_the_workspace_of_the_address_wins(bench: Bench, sshd: OpenSshServer) -> None:
    bench.own.machines["own-1"] = machine(sshd)

    await bench.controller.start("own-1")
    assert bench.controller.workspace is not None
    assert bench.controller.workspace.id == "own-1"


async def test_an_address_of_nobody_is_told_and_the_first_is_opened(bench: Bench) -> None:
    await bench.controller.start("own-gone")
    await bench.settled()

    assert bench.controller.notice is not None
    assert "not known" in bench.controller.notice.text
    assert bench.controller.ready


async def test_a_machine_of_ones_own_connects_with_the_key_that_was_given(
    bench: Bench, sshd: OpenSshServer
) -> None:
    await bench.controller.start()
    await bench.controller.save_workspace(
        machine(sshd), Secret(private_key=sshd.key_path.read_text())
    )
    await bench.settled()

    assert bench.controller.state == "connected"
    assert bench.own.machines["own-1"] == machine(sshd)
    assert "PRIVATE" not in repr(bench.own.machines)


async def test_a_key_given_once_serves_until_it_is_forgotten(
    bench: Bench, sshd: OpenSshServer
) -> None:
    bench.own.machines["own-1"] = machine(sshd)
    await bench.controller.start("own-1")
    await bench.settled()
    await bench.controller.sign_in(Secret(private_key=sshd.key_path.read_text()))
    await bench.controller.select("first")
    await bench.settled()

    await bench.controller.select("own-1")
    await bench.settled()
    assert bench.controller.state == "connected"

    await bench.controller.select("first")
    bench.pool.forget(USER)
    await bench.controller.select("own-1")
    await bench.settled()
    assert bench.controller.state == "failed"


async def test_a_host_key_is_pinned_when_it_is_accepted(bench: Bench, sshd: OpenSshServer) -> None:
    await bench.controller.start()
    await bench.controller.save_workspace(
        machine(sshd, host_keys=()), Secret(private_key=sshd.key_path.read_text())
    )
    await bench.settled()
    assert bench.controller.connection is not None
    assert isinstance(bench.controller.connection.problem, HostKeyUnknown)

    await bench.controller.accept_host_key()
    assert bench.controller.state == "connected"
    assert bench.own.machines["own-1"].host_keys == (sshd.host_public_key,)


async def test_nobody_accepts_a_key_for_the_operators_machine(sshd: OpenSshServer) -> None:
    bench = Bench(definition_of(sshd, id="first", host_keys=()))
    await bench.controller.start()
    await bench.settled()

    await bench.controller.accept_host_key()
    assert bench.controller.state == "failed"
    assert bench.controller.connection is not None
    assert "operator of this portal" in bench.controller.connection.message
    assert bench.own.machines == {}
    await bench.controller.close()


async def test_what_is_not_allowed_is_not_kept(bench: Bench, sshd: OpenSshServer) -> None:
    await bench.controller.start()
    bench.own.allowed = False

    with pytest.raises(NotAllowed):
        await bench.controller.save_workspace(machine(sshd))
    assert len(bench.controller.workspaces) == 1


async def test_a_removed_machine_gives_way_to_the_first(bench: Bench, sshd: OpenSshServer) -> None:
    await bench.controller.start()
    await bench.controller.save_workspace(machine(sshd))
    await bench.settled()

    await bench.controller.remove_workspace("own-1")
    await bench.settled()
    assert bench.controller.workspace is not None
    assert bench.controller.workspace.id == "first"
    assert bench.own.machines == {}


async def test_a_workspace_of_the_operator_cannot_be_removed(bench: Bench) -> None:
    bench.own.machines["first"] = replace(bench.controller.workspaces[0], is_own=True)

    await bench.controller.remove_workspace("first")
    assert [one.id for one in bench.controller.workspaces] == ["first"]


async def test_each_workspace_has_its_own_tabs(bench: Bench, sshd: OpenSshServer) -> None:
    await bench.controller.start()
    await bench.settled()
    tab = Tab("editor", str(sshd.write(sshd.folder() / "a.txt", b"a")))
    bench.controller.tabs = OpenTabs().opened(tab)
    await bench.controller.save_workspace(
        machine(sshd), Secret(private_key=sshd.key_path.read_text())
    )
    await bench.settled()
    assert bench.controller.tabs == OpenTabs()

    await bench.controller.select("first")
    await bench.settled()
    assert bench.controller.tabs.tabs == (tab,)


async def test_background_work_that_fails_is_told_in_a_sentence(bench: Bench) -> None:
    async def work() -> None:
        message = "There is no such file."
        raise FileMissing(message)

    bench.controller.spawn(work())
    await bench.settled()
    assert bench.controller.notice is not None
    assert bench.controller.notice.text == "There is no such file."


async def test_a_fault_of_ours_is_told_without_its_details(bench: Bench) -> None:
    async def work() -> None:
        message = "secret detail"
        raise RuntimeError(message)

    bench.controller.spawn(work())
    await bench.settled()
    assert bench.controller.notice is not None
    assert "secret" not in bench.controller.notice.text
