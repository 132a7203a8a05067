"""A run is a folder on the host: it outlives whoever started it, and Stop ends all of it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from vispa_panel.agent.processes import session_members
from vispa_panel.errors import RunError
from vispa_panel.workspace.agent_runs import AgentRuns
from vispa_panel.workspace.runs import RunInfo, RunState

if TYPE_CHECKING:
    from tests.agent.conftest import Host
    from vispa_panel.workspace.agent_client import AgentClient


async def ended(runs: AgentRuns, run: RunInfo) -> RunInfo:
    last = run
    async with asyncio.timeout(60):
        async for info in runs.follow(run.id):
            last = info
    return last


async def log(runs: AgentRuns, run: RunInfo) -> bytes:
    data = b""
    while piece := await runs.output(run.id, offset=len(data)):
        data += piece
    return data


async def test_output_and_exit_code_are_kept(runs: AgentRuns, host: Host) -> None:
    run = await runs.start("echo out; echo err >&2; exit 3", folder=str(host.base))

    last = await ended(runs, run)
    assert (last.state, last.exit_code) == (RunState.FINISHED, 3)
    assert await log(runs, run) == b"out\nerr\n"


async def test_lines_come_while_the_run_goes_on(runs: AgentRuns, host: Host) -> None:
    """Even from a program that would keep them back in a pipe."""
    gate = host.base / "gate"
    script = (
        f"import os,time\nprint('first')\nwhile not os.path.exists({str(gate)!r}): time.sleep(.01)"
    )
    (host.base / "slow.py").write_text(script)
    run = await runs.start("python3 slow.py", folder=str(host.base))

    async with asyncio.timeout(20):
        async for info in runs.follow(run.id):
            if info.output_size and not gate.exists():
                assert info.state is RunState.RUNNING
                gate.touch()
    assert await log(runs, run) == b"first\n"


async def test_a_run_outlives_the_connection_that_started_it(host: Host) -> None:
    client = await host.start()

    async def first() -> AgentClient:
        return client

    command = "for i in $(seq 60); do echo $i; sleep 0.02; done"
    run = await AgentRuns(first).start(command, folder=str(host.base))
    host.processes[0].kill()
    await host.processes[0].wait()
    await client.close()
    again = await host.start()

    async def second() -> AgentClient:
        return again

    runs = AgentRuns(second)
    last = await ended(runs, run)
    assert (last.state, last.exit_code) == (RunState.FINISHED, 0)
    assert await log(runs, run) == b"".join(b"%d\n" % number for number in range(1, 61))
    await again.close()


async def test_stop_ends_grandchildren_that_ignore_the_interrupt(
    runs: AgentRuns, host: Host
) -> None:
    command = "(trap '' INT; echo ready; sleep 100) & sleep 100 & wait"
    run = await runs.start(command, folder=str(host.base))
    async with asyncio.timeout(20):
        async for info in runs.follow(run.id):
            if info.output_size:
                break

    await runs.stop(run.id)
    info = await runs.get(run.id)
    assert info.state is RunState.STOPPED
    assert [pid for pid in host.keeper_ids() if session_members(pid) and _sleeps(pid)] == []


async def test_stop_goes_on_when_whoever_asked_has_gone(host: Host) -> None:
    client = await host.start()

    async def first() -> AgentClient:
        return client

    runs = AgentRuns(first)
    command = "trap '' INT TERM; echo ready; while true; do sleep 0.05; done"
    run = await runs.start(command, folder=str(host.base))
    async with asyncio.timeout(20):
        async for info in runs.follow(run.id):
            if info.output_size:
                break
    asking = asyncio.ensure_future(runs.stop(run.id))
    # Requests arrive in order: with the second answer, the first signal has been asked for.
    await runs.get(run.id)
    await runs.get(run.id)
    await client.close()
    await asyncio.gather(asking, return_exceptions=True)
    again = await host.start()

    async def second() -> AgentClient:
        return again

    last = await ended(AgentRuns(second), run)
    assert last.state is RunState.STOPPED
    await again.close()


def _sleeps(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return file.read().startswith(b"sleep")
    except OSError:
        return False


async def test_a_hundred_megabytes_leave_the_keeper_small(runs: AgentRuns, host: Host) -> None:
    run = await runs.start("head -c 100000000 /dev/zero | tr '\\0' x", folder=str(host.base))

    last = await ended(runs, run)
    assert last.output_size == 100_000_000
    sizes = []
    for pid in host.keeper_ids():
        with open(f"/proc/{pid}/status") as file:  # noqa: PTH123
            sizes += [int(line.split()[1]) for line in file if line.startswith("VmRSS")]
    assert max(sizes) < 80_000


async def test_pictures_written_by_the_run_are_found_and_older_ones_not(
    runs: AgentRuns, host: Host
) -> None:
    folder = host.base / "work"
    (folder / "plots").mkdir(parents=True)
    (folder / "old.png").write_bytes(b"old")
    os.utime(folder / "old.png", (1e9, 1e9))
    run = await runs.start("echo x > plots/new.png; echo y > text.txt", folder=str(folder))
    await ended(runs, run)

    assert [one.path for one in await runs.pictures(run.id)] == [str(folder / "plots" / "new.png")]


async def test_output_that_is_no_text_is_kept_byte_for_byte(runs: AgentRuns, host: Host) -> None:
    run = await runs.start("printf '\\377\\0\\n\\r\\n\\303'", folder=str(host.base))

    await ended(runs, run)
    assert await log(runs, run) == b"\xff\0\n\r\n\xc3"


async def test_runs_are_listed_by_their_document_newest_first(runs: AgentRuns, host: Host) -> None:
    for document in ("a.py", "b.py", "a.py"):
        await ended(runs, await runs.start("true", folder=str(host.base), document=document))

    assert [one.document for one in await runs.list(document="a.py")] == ["a.py", "a.py"]
    assert len(await runs.list()) == 3


@pytest.mark.parametrize("run_id", ["../../etc", "20260101-000000-00000000", "", "a/b"])
async def test_an_unknown_run_is_a_sentence(runs: AgentRuns, run_id: str) -> None:
    with pytest.raises(RunError):
        await runs.get(run_id)


async def test_a_folder_that_is_gone_is_a_sentence(runs: AgentRuns, host: Host) -> None:
    with pytest.raises(RunError):
        await runs.start("true", folder=str(host.base / "nowhere"))
