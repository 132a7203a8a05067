"""Steps that wait for each other, as HTCondor's DAGMan runs them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from vispa_panel.errors import JobRefused
from vispa_panel.jobs.htcondor import HTCondorQueue
from vispa_panel.jobs.queue import new_key
from vispa_panel.jobs.request import shell_request
from vispa_panel.jobs.steps import Step, levels_of, write_steps
from vispa_panel.workspace.commands import SshCommands

if TYPE_CHECKING:
    from pathlib import Path

    from vispa_panel.workspace.connection import Connection


def step(name: str, *after: str, command: str = "true", folder: str = "/home/alice") -> Step:
    return Step(name=name, request=shell_request(command, folder=folder), after=after)


def test_a_step_stands_below_all_it_waits_for() -> None:
    steps = (step("end", "a", "b"), step("a", "begin"), step("b", "begin"), step("begin"))

    assert levels_of(steps) == (("begin",), ("a", "b"), ("end",))
    assert "PARENT a b CHILD end\n" in write_steps(steps, records="/r")["steps.dag"]


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (step("a", "b"), step("b", "a")),
        (step("a", "a"),),
        (step("a", "x"),),
        (step("a"), step("a")),
        (step("a b"),),
        (step("a\nSCRIPT PRE a /bin/x"),),
        (step("PARENT"),),
    ],
)
def test_what_is_no_graph_is_refused(steps: tuple[Step, ...]) -> None:
    with pytest.raises(JobRefused):
        levels_of(steps)


def written(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.pool
async def test_steps_run_in_their_order_and_are_submitted_once(
    connection: Connection, folder: str, outside: Path
) -> None:
    queue = HTCondorQueue(SshCommands(connection))
    steps = [
        step("third", "second", command="echo 3 >> order", folder=folder),
        step("first", command="sleep 1; echo 1 >> order", folder=folder),
        step("second", "first", command="echo 2 >> order", folder=folder),
    ]
    key = new_key()

    made = await queue.submit_steps(steps, folder=folder, name="graph", key=key)
    again = await queue.submit_steps(steps, folder=folder, name="graph", key=key)

    async with asyncio.timeout(120):
        while written(outside / "order") != "1\n2\n3\n":  # noqa: ASYNC110 - another host writes
            await asyncio.sleep(0.1)
    assert made == again
    history = await queue.history(limit=50)
    assert sum(job.dag == made.cluster for job in history) >= 2
