"""The door to HTCondor, on a real pool."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from vispa_panel.errors import JobRefused, QueueUnclear
from vispa_panel.jobs.htcondor import HTCondorQueue
from vispa_panel.jobs.queue import JobInfo, JobState, new_key
from vispa_panel.jobs.request import PRESETS, JobRequest, Point, shell_request
from vispa_panel.workspace.commands import SshCommands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.testpool import TestPool
    from vispa_panel.workspace.connection import Connection

pytestmark = pytest.mark.pool
PRESETS_BY_NAME = {preset.name: preset for preset in PRESETS}


@pytest.fixture
def queue(connection: Connection) -> HTCondorQueue:
    return HTCondorQueue(SshCommands(connection))


async def mine(queue: HTCondorQueue, cluster: int) -> list[JobInfo]:
    """The jobs of one cluster, in the queue or left."""
    listed = (await queue.jobs()).jobs + await queue.history(limit=50)
    return sorted((job for job in listed if job.cluster == cluster), key=lambda job: job.proc)


async def until(
    queue: HTCondorQueue, cluster: int, reached: Callable[[list[JobInfo]], bool]
) -> list[JobInfo]:
    jobs: list[JobInfo] = []
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        jobs = await mine(queue, cluster)
        if jobs and reached(jobs):
            return jobs
        await asyncio.sleep(0.2)
    raise AssertionError(jobs)


def all_are(state: JobState) -> Callable[[list[JobInfo]], bool]:
    return lambda jobs: all(job.state is state for job in jobs)


async def test_a_command_line_runs_in_its_folder_and_its_end_is_known_long_after(
    queue: HTCondorQueue, folder: str, outside: Path
) -> None:
    request = shell_request("pwd; echo `whoami` $HOME; echo bad >&2; exit 3", folder=folder)

    made = await queue.submit(request, key=new_key())
    (job,) = await until(queue, made.cluster, all_are(JobState.FINISHED))

    assert (job.exit_code, job.failed, job.records) == (3, True, made.records)
    assert job.command == "pwd; echo `whoami` $HOME; echo bad >&2; exit 3"
    output = outside / job.output.removeprefix(folder + "/")
    assert output.read_text() == f"{folder}\nalice /home/alice\nbad\n"
    assert await queue.request_of(job) == request


async def test_the_same_key_submits_once_however_often_and_from_wherever_it_comes(
    queue: HTCondorQueue, folder: str
) -> None:
    request = JobRequest(argv=("sleep", "30"), folder=folder)
    key = new_key()

    first = await queue.submit(request, key=key)
    again = await asyncio.gather(*(queue.submit(request, key=key) for _ in range(3)))

    assert {one.cluster for one in again} == {first.cluster}
    assert sum(job.key == key for job in (await queue.jobs()).jobs) == 1
    await queue.remove([f"{first.cluster}.0"])
    await until(queue, first.cluster, all_are(JobState.REMOVED))
    assert (await queue.submit(request, key=key)).cluster == first.cluster


async def test_points_run_in_folders_of_their_own_with_their_own_arguments(
    queue: HTCondorQueue, folder: str, outside: Path
) -> None:
    awkward = ["a b", "it's", '"x"', "\\", "", "$HOME", "é", "#", "tail\\"]
    points = tuple(
        Point(f"n_{index}", ("/usr/bin/printf", "%s|", word, "end"))
        for index, word in enumerate(awkward)
    )
    request = JobRequest(argv=("printf",), folder=folder, points=points)

    made = await queue.submit(request, key=new_key())
    await until(queue, made.cluster, all_are(JobState.FINISHED))

    assert made.count == len(awkward)
    for index, word in enumerate(awkward):
        assert (outside / f"n_{index}" / "output.txt").read_text() == f"{word}|end|"


async def test_a_job_is_held_released_given_a_priority_and_removed(
    queue: HTCondorQueue, folder: str
) -> None:
    made = await queue.submit(JobRequest(argv=("sleep", "60"), folder=folder), key=new_key())
    ids = [f"{made.cluster}.0"]

    await queue.hold(ids)
    (held,) = await until(queue, made.cluster, all_are(JobState.HELD))
    await queue.set_priority(ids, 7)
    await queue.release(ids)
    (released,) = await until(queue, made.cluster, lambda jobs: jobs[0].state != JobState.HELD)
    await queue.remove(ids)
    (removed,) = await until(queue, made.cluster, all_are(JobState.REMOVED))

    assert held.hold_code == 1
    assert released.priority == 7
    assert removed.exit_code is None


async def test_a_program_killed_by_a_signal_and_a_missing_one_are_told_apart(
    queue: HTCondorQueue, folder: str
) -> None:
    killed = await queue.submit(shell_request("kill -9 $$", folder=folder), key=new_key())
    missing = await queue.submit(JobRequest(argv=("/no/such",), folder=folder), key=new_key())

    (one,) = await until(queue, killed.cluster, all_are(JobState.FINISHED))
    (other,) = await until(queue, missing.cluster, all_are(JobState.HELD))

    assert one.exit_code == -9
    assert "No such file" in other.hold_reason
    await queue.remove([other.id])


async def test_what_htcondor_refuses_is_told_and_leaves_no_records(
    queue: HTCondorQueue, folder: str, outside: Path
) -> None:
    request = JobRequest(argv=("true",), folder=folder, extra=(("requirements", "((("),))

    with pytest.raises(JobRefused, match="Parse error in expression"):
        await queue.submit(request, key=new_key())

    assert list((outside / "jobs").iterdir()) == []


async def test_more_gpus_than_any_machine_has_is_said_in_a_sentence(
    queue: HTCondorQueue, folder: str
) -> None:
    made = await queue.submit(JobRequest(argv=("true",), folder=folder, gpus=5), key=new_key())
    (job,) = await until(queue, made.cluster, all_are(JobState.WAITING))

    waiting = await queue.why_waiting(job)

    assert waiting.sentence == "It asks for 5 GPUs, and no machine here has more than 2."
    assert waiting.fitting == 0
    assert any("GPUs" in detail for detail in waiting.details)
    await queue.remove([job.id])


async def test_a_gpu_that_was_asked_for_is_there(
    queue: HTCondorQueue, folder: str, outside: Path
) -> None:
    request = shell_request("echo $CUDA_VISIBLE_DEVICES", folder=folder)

    made = await queue.submit(request.with_preset(PRESETS_BY_NAME["gpu"]), key=new_key())
    (job,) = await until(queue, made.cluster, all_are(JobState.FINISHED))

    assert (job.asked_gpus, job.host) == (1, "w2.pool.test")
    assert (outside / job.output.removeprefix(folder + "/")).read_text().startswith("GPU-")


async def test_the_pool_shows_its_machines_groups_and_my_place(queue: HTCondorQueue) -> None:
    view = await queue.pool()

    assert {machine.name: machine.gpus for machine in view.machines}["w2.pool.test"] == 2
    assert {share.name for share in view.shares if share.is_group} >= {"research", "students"}
    assert view.place is None or view.me == "research.alice"


async def test_two_groups_shares_are_seen_in_the_pool_view(
    queue: HTCondorQueue, folder: str, pool: TestPool
) -> None:
    made = await queue.submit(
        JobRequest(
            argv=("sleep", "60"),
            folder=folder,
            points=tuple(Point(f"n_{n}", ("sleep", "60")) for n in range(8)),
        ),
        key=new_key(),
    )
    pool.run("bob", "printf 'executable=/bin/sleep\narguments=60\nqueue 8\n' | condor_submit")
    try:
        async with asyncio.timeout(60):
            while True:
                shares = {share.name: share for share in (await queue.pool()).shares}
                mine, others = (shares.get(n) for n in ("research.alice", "students.bob"))
                if mine and others and mine.used > 0 and others.used > 0:
                    break
                await asyncio.sleep(0.2)
    finally:
        pool.run("bob", "condor_rm -all")
        await queue.remove([f"{made.cluster}.{n}" for n in range(8)])

    assert (mine.group, others.group) == ("research", "students")
    assert shares["research"].quota is not None
    assert shares["students"].quota is not None
    assert shares["research"].quota > shares["students"].quota


async def test_a_stopped_schedd_is_unclear_and_its_jobs_are_there_again_after_it_goes_on(
    queue: HTCondorQueue, folder: str, pool: TestPool
) -> None:
    made = await queue.submit(JobRequest(argv=("sleep", "1"), folder=folder), key=new_key())
    quick = HTCondorQueue(queue._commands)
    quick.patience = 2.0
    pool.as_root("login", "pkill", "-STOP", "condor_schedd")
    try:
        with pytest.raises(QueueUnclear):
            await quick.jobs()
    finally:
        pool.as_root("login", "pkill", "-CONT", "condor_schedd")

    (job,) = await until(queue, made.cluster, all_are(JobState.FINISHED))
    assert job.exit_code == 0
