"""From Submit to the first line, and the dashboard of 10,000 jobs, on the HTCondor test pool."""

from __future__ import annotations

import asyncio
import shlex
import statistics
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING

from bench.row import Row
from tests.support.testpool import shared_pool, why_not
from vispa_panel.jobs.archive import HostArchive
from vispa_panel.jobs.board import JobBoard, Rhythm
from vispa_panel.jobs.class_ads import ATTRIBUTES
from vispa_panel.jobs.following import HostFollowing
from vispa_panel.jobs.htcondor import HTCondorQueue
from vispa_panel.jobs.queue import JobState
from vispa_panel.jobs.request import JobRequest, Point, shell_request
from vispa_panel.jobs.submitted_run import SubmittedRun
from vispa_panel.jobs.table import JobFilter
from vispa_panel.workspace.agent_files import AgentFiles
from vispa_panel.workspace.commands import SshCommands
from vispa_panel.workspace.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
JOBS = 10_000
QUIET = 3.0
"""Seconds in which the pool learns that a slot is free again: else its next match is refused."""

QUERIES_PER_REFRESH = 2
"""The queue, and the history when something has left it."""

WATCHERS = 70
_SIMPLE = """executable = /bin/sh
arguments = "-c 'date +%s.%N; sleep 1'"
output = {out}
transfer_executable = false
should_transfer_files = NO
queue
"""


async def measure() -> list[Row]:
    """All rows; one that says why where there can be no pool."""
    reason = why_not()
    if reason:
        return [Row("batch jobs", reason, "", "", reached=False)]
    with shared_pool() as pool:
        connection = Connection(pool.definition())
        await connection.open()
        try:
            return [*await _first_lines(connection), *await _many(connection), _load()]
        finally:
            await connection.close()


def _board(connection: Connection) -> tuple[JobBoard, AgentFiles]:
    commands, files = SshCommands(connection), AgentFiles(connection)
    board = JobBoard(
        HTCondorQueue(commands),
        HostFollowing(connection.agent, files),
        files,
        HostArchive(commands),
        Rhythm(busy=600, idle=600),
    )
    return board, files


async def _until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(120):
        while not reached():  # noqa: ASYNC110 - a measurement looks often
            await asyncio.sleep(0.002)


async def _first_lines(connection: Connection) -> list[Row]:
    board, files = _board(connection)
    board.enter()
    await _until(lambda: board.as_of)
    ours, theirs, ends = [], [], []
    for _ in range(ROUNDS):
        await asyncio.sleep(QUIET)
        theirs.append(await _plain(connection))
        await asyncio.sleep(QUIET)
        begun = time.perf_counter()
        request = shell_request("echo first; sleep 1; date +%s.%N", folder="/home/alice")
        made = await board.submit(request)
        run = SubmittedRun(board, files, made)
        run.start()
        await _until(partial(_shown, run))
        ours.append(time.perf_counter() - begun)
        await _until(partial(_ended, board, f"{made.cluster}.0"))
        seen = time.time()
        await _until(partial(_over, run))
        ends.append(seen - float(run.tail.split()[-1]))
        await run.close()
    await board.close()
    mine, plain = statistics.median(ours), statistics.median(theirs)
    end = max(ends)
    return [
        Row(
            "Submit to the first output line",
            f"{mine:.2f} s",
            f"condor_submit and tail -F over SSH {plain:.2f} s",
            "at most 0.3 s more",
            mine <= plain + 0.3,
        ),
        Row("a job's end to its being shown, slowest", f"{end:.2f} s", "", "1 s", end <= 1),
    ]


def _shown(run: SubmittedRun) -> bool:
    return "first" in run.tail


def _over(run: SubmittedRun) -> bool:
    return run.info is not None and not run.running


def _ended(board: JobBoard, job_id: str) -> bool:
    return any(job.id == job_id and job.state is JobState.FINISHED for job in board.jobs)


async def _plain(connection: Connection) -> float:
    """The same by hand."""
    out = f"/home/alice/plain-{uuid.uuid4().hex}"
    text = shlex.quote(_SIMPLE.format(out=out))
    begun = time.perf_counter()
    process = await connection.ssh.create_process(
        f"printf %s {text} | condor_submit -terse >&2; : >> {out}; exec tail -n +1 -F {out}",
        encoding=None,
    )
    await process.stdout.read(100)
    took = time.perf_counter() - begun
    process.close()
    return took


async def _many(connection: Connection) -> list[Row]:
    board, _ = _board(connection)
    points = tuple(Point(f"many/n_{number}", ("/bin/true",)) for number in range(JOBS))
    request = JobRequest(
        argv=("true",), folder="/home/alice", points=points, extra=(("hold", "true"),)
    )
    begun = time.perf_counter()
    made = await board.queue.submit(request, key=uuid.uuid4().hex)
    submitted = time.perf_counter() - begun
    try:
        begun = time.perf_counter()
        await SshCommands(connection).run(
            f"condor_q -json -attributes {','.join(ATTRIBUTES)}", limit=1 << 27
        )
        alone = time.perf_counter() - begun
        begun = time.perf_counter()
        await board.refresh()
        page = board.page(JobFilter(states=frozenset({JobState.HELD})))
        opened = time.perf_counter() - begun
        assert page.total >= JOBS  # noqa: S101 - a measurement of something else is none
        begun = time.perf_counter()
        board.page(JobFilter(text="77"))
        filtered = time.perf_counter() - begun
    finally:
        await board.queue.remove([f"{made.cluster}.{number}" for number in range(JOBS)])
    return [
        Row("10,000 jobs submitted as one cluster", f"{submitted:.1f} s", "", "", reached=True),
        Row(
            "10,000 jobs: open the dashboard's data",
            f"{opened:.2f} s",
            f"condor_q -json alone {alone:.2f} s",
            "2 s",
            opened <= 2,  # noqa: PLR2004 - the goal
        ),
        Row("10,000 jobs: filter", f"{filtered:.3f} s", "", "0.2 s", filtered <= 0.2),  # noqa: PLR2004
    ]


def _load() -> Row:
    rate = WATCHERS * QUERIES_PER_REFRESH / Rhythm().busy
    return Row(
        "queries a second of 70 users whose jobs end all the time",
        f"{rate:.0f}",
        "",
        "10",
        rate <= 10,  # noqa: PLR2004 - the goal
    )
