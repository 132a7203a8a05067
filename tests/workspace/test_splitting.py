"""Splitting puts the front tab beside the others; splitting again joins the sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.dummies import MemoryFiles
from vispa_panel.extensions import Registry
from vispa_panel.workspace.controller import WorkspaceController
from vispa_panel.workspace.open_tabs import OpenTabs, Tab

if TYPE_CHECKING:
    from vispa_panel.workspace.definition import WorkspaceDefinition

ONE, TWO = Tab("editor", "/one"), Tab("editor", "/two")


class NoMemory:
    """Remembers nothing."""

    async def load(self, key: str) -> object:
        del key
        return None

    async def save(self, key: str, value: object) -> None:
        del key, value


class NoneOwn:
    """A user without machines of their own."""

    allowed = False

    async def list(self) -> tuple[WorkspaceDefinition, ...]:
        return ()

    async def save(self, definition: WorkspaceDefinition) -> None:
        del definition

    async def delete(self, workspace_id: str) -> None:
        del workspace_id


def controller_with(*tabs: Tab) -> WorkspaceController:
    def no_services(_: object) -> object:
        return MemoryFiles()

    made = WorkspaceController(
        workspaces=(),
        open_services=no_services,  # type: ignore[arg-type]
        registry=Registry(),
        memory=NoMemory(),
        own=NoneOwn(),
    )
    for tab in tabs:
        made.tabs = made.tabs.opened(tab)
    return made


def test_the_front_tab_goes_to_the_other_side() -> None:
    controller = controller_with(ONE, TWO)

    controller.split()
    assert controller.tabs.on("left") == (ONE,)
    assert [tab.target for tab in controller.tabs.on("right")] == ["/two"]


def test_splitting_again_joins_the_sides() -> None:
    controller = controller_with(ONE, TWO)

    controller.split()
    controller.split()
    assert controller.tabs.on("right") == ()
    assert {tab.target for tab in controller.tabs.on("left")} == {"/one", "/two"}


def test_a_single_tab_is_not_split() -> None:
    controller = controller_with(ONE)

    controller.split()
    assert controller.tabs == OpenTabs().opened(ONE)
