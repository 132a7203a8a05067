"""What a person sees of jobs, live, on a real pool."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from vispa_panel.errors import JobError
from vispa_panel.jobs.archive import HostArchive
from vispa_panel.jobs.board import JobBoard, Rhythm
from vispa_panel.jobs.following import HostFollowing
from vispa_panel.jobs.htcondor import HTCondorQueue
from vispa_panel.jobs.queue import JobState
from vispa_panel.jobs.request import JobRequest, Point, shell_request
from vispa_panel.jobs.submitted_run import SubmittedRun
from vispa_panel.workspace.agent_files import AgentFiles
from vispa_panel.workspace.commands import SshCommands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.support.testpool import TestPool
    from vispa_panel.jobs.table import ClusterSummary
    from vispa_panel.workspace.connection import Connection

pytestmark = pytest.mark.pool
SLOW = Rhythm(busy=600, idle=600)
"""Only logs and what a test does bring news."""

HTCONDORS_TIME = 180
"""Seconds to wait for the pool itself: a lost worker's lease (30 s) ends, its slots are forgotten
and matched again, which was seen to take 65 s in all."""


def board_on(connection: Connection, rhythm: Rhythm = SLOW) -> JobBoard:
    commands, files = SshCommands(connection), AgentFiles(connection)
    following = HostFollowing(connection.agent, files)
    return JobBoard(HTCondorQueue(commands), following, files, HostArchive(commands), rhythm)


@pytest.fixture
async def board(connection: Connection) -> AsyncIterator[JobBoard]:
    made = board_on(connection)
    made.enter()
    yield made
    await made.close()


async def until(reached: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_job_s_states_come_from_its_log_within_a_second(
    board: JobBoard, folder: str, outside: Path
) -> None:
    made = await board.submit(shell_request("sleep 1; date +%s.%N > end", folder=folder))
    job_id = f"{made.cluster}.0"

    await until(
        lambda: any(job.id == job_id and job.failed is False and job.ended for job in board.jobs)
    )
    seen = time.time()

    (job,) = (job for job in board.jobs if job.id == job_id)
    assert (job.state, job.exit_code) == (JobState.FINISHED, 0)
    assert seen - float((outside / "end").read_text()) < 1.0


async def test_an_ended_job_is_told_once_and_stays_known_to_those_who_come_later(
    board: JobBoard, folder: str, connection: Connection
) -> None:
    told: list[int] = []
    board.param.watch(lambda event: told.append(event.new.cluster), ["ended"])
    made = await board.submit(shell_request("exit 4", folder=folder))
    await until(lambda: made.cluster in told)
    await board.refresh()

    later = board_on(connection)
    await later.refresh()

    assert told.count(made.cluster) == 1
    job = later.job(f"{made.cluster}.0")
    assert job is not None
    assert (job.state, job.exit_code) == (JobState.FINISHED, 4)


async def test_of_400_jobs_only_the_failed_ones_are_submitted_again_in_their_own_folders(
    board: JobBoard, folder: str, outside: Path
) -> None:
    bad = {5, 77, 78, 120, 121, 199, 200, 255, 300, 301, 333, 399}
    points = tuple(
        Point(
            f"n_{n}",
            ("/bin/sh", "-c", f"echo run >> log; [ -e ../ok ] || exit {int(n in bad)}"),
        )
        for n in range(400)
    )
    made = await board.submit(JobRequest(argv=("sh",), folder=folder, points=points))
    await until(lambda: of(board, made.cluster).active == 0, 150)
    (outside / "ok").touch()

    again = await board.resubmit_failed(made.cluster)
    await until(lambda: of(board, again.cluster).active == 0, 60)

    assert again.count == len(bad) == of(board, made.cluster).failed
    runs = {n: (outside / f"n_{n}" / "log").read_text().count("run") for n in range(400)}
    assert {n for n, count in runs.items() if count == 2} == bad
    with pytest.raises(JobError, match="None of these"):
        await board.resubmit_failed(again.cluster)


def of(board: JobBoard, cluster: int) -> ClusterSummary:
    return next(summary for summary in board.clusters() if summary.cluster == cluster)


async def test_without_a_clear_answer_jobs_are_unknown_and_never_ended(
    board: JobBoard, folder: str, pool: TestPool
) -> None:
    assert isinstance(board.queue, HTCondorQueue)
    made = await board.submit(JobRequest(argv=("sleep", "30"), folder=folder))
    await board.refresh()
    board.queue.patience = 2.0
    pool.as_root("login", "pkill", "-STOP", "condor_schedd")
    try:
        with pytest.raises(JobError):
            await board.refresh()
        states = {job.state for job in board.jobs if job.cluster == made.cluster}
    finally:
        pool.as_root("login", "pkill", "-CONT", "condor_schedd")
    board.queue.patience = 15.0
    await board.refresh()

    assert states == {JobState.UNKNOWN}
    assert board.problem == ""
    assert all(job.active for job in board.jobs if job.cluster == made.cluster)
    await board.remove([f"{made.cluster}.0"])


async def test_nothing_is_asked_for_those_who_have_left(connection: Connection) -> None:
    board = board_on(connection, Rhythm(busy=0.05, idle=0.05))
    board.enter()
    board.enter()
    await until(lambda: board.as_of)
    await board.leave()
    seen = board.as_of
    await until(lambda: board.as_of > seen)
    await board.leave()

    assert board._watch is None
    assert board._logs == {}


async def test_a_submitted_run_shows_output_figure_and_exit_code_as_a_run_does(
    board: JobBoard, folder: str, connection: Connection
) -> None:
    command = "echo first; sleep 0.5; echo PNG > figure.png; echo last >&2; exit 2"
    made = await board.submit(shell_request(command, folder=folder))
    run = SubmittedRun(board, AgentFiles(connection), made, document=f"{folder}/x.py")

    run.start()
    await until(lambda: "first" in run.tail)
    was_running = run.running
    await until(lambda: run.pictures)

    assert was_running
    assert run.tail == "first\nlast\n"
    assert run.info is not None
    assert (run.info.state, run.info.exit_code, run.info.document) == (
        "finished",
        2,
        f"{folder}/x.py",
    )
    assert [entry.name for entry in run.pictures] == ["figure.png"]
    await run.close()


async def test_stop_removes_the_job_and_waiting_is_explained(
    board: JobBoard, folder: str, connection: Connection
) -> None:
    made = await board.submit(JobRequest(argv=("true",), folder=folder, gpus=5))
    run = SubmittedRun(board, AgentFiles(connection), made)

    run.start()
    await until(lambda: run.waiting)
    why = run.waiting
    await run.stop()
    await until(lambda: not run.running)

    assert why == "It asks for 5 GPUs, and no machine here has more than 2."
    assert run.info is not None
    assert run.info.state == "stopped"
    await run.close()


async def test_a_worker_without_power_is_no_end_of_its_job(
    board: JobBoard, folder: str, pool: TestPool
) -> None:
    request = JobRequest(argv=("sleep", "300"), folder=folder)
    made = await board.submit(request)
    job_id = f"{made.cluster}.0"
    try:
        # The queue may name the host before the job has begun there: only then can it be lost.
        await until(
            lambda: (job := board.job(job_id)) and job.host and job.state is JobState.RUNNING,
            HTCONDORS_TIME,
        )
        job = board.job(job_id)
        assert job is not None
        host = job.host.split(".")[0]

        pool.power_off(host)
        try:
            # HTCondor notices when the worker has not answered for a while.
            await until(
                lambda: (job := board.job(job_id)) and job.state is not JobState.RUNNING,
                HTCONDORS_TIME,
            )
            lost = board.job(job_id)
        finally:
            pool.power_on(host)
        await until(
            lambda: (job := board.job(job_id)) and job.state is JobState.RUNNING, HTCONDORS_TIME
        )

        assert lost is not None
        assert lost.state in {JobState.WAITING, JobState.UNKNOWN}
    finally:
        await board.remove([job_id])
