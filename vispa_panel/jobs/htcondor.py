"""HTCondor by its own tools, run on the workspace's host as its user.

So rights and shares are HTCondor's own, and nothing that a person wrote is parsed here.
"""

from __future__ import annotations

import asyncio
import itertools
import shlex
import time
from typing import TYPE_CHECKING

from vispa_panel.errors import JobError, JobRefused, QueueUnclear
from vispa_panel.jobs import htcondor_pool
from vispa_panel.jobs.class_ads import ATTRIBUTES, job_from_ad, read_ads, whole
from vispa_panel.jobs.class_ads import text as text_of
from vispa_panel.jobs.description import (
    DESCRIPTION,
    OUTPUT,
    REQUEST,
    class_ad_text,
    point_folders,
    write_description,
)
from vispa_panel.jobs.queue import JobInfo, JobList, Submitted
from vispa_panel.jobs.request import (
    MOST_JSON,
    JobRequest,
    records_folder,
    request_as_json,
    request_from_json,
)
from vispa_panel.jobs.steps import write_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vispa_panel.jobs.queue import PoolView, Waiting
    from vispa_panel.jobs.steps import Step
    from vispa_panel.workspace.commands import Commands, Done

MOST_JOBS = 20_000
"""Jobs of one user that are looked at."""

MOST_BYTES = 64 << 20
PATIENCE = 15.0
"""Seconds that a question may take; a stopped schedd lets its tools wait longer."""

SUBMIT_PATIENCE = 120.0
_TAKEN = 75

# Whoever makes the folder named by the key submits, all others look for what came of it. It is
# given up only when HTCondor has said no, never when the line to the portal broke.
_SUBMIT = """
set -eu; r={records}
mkdir -p -- "$r"
mkdir -- "$r/.submitted" 2>/dev/null || exit 75
head -c {folders} | xargs -0 -r mkdir -p --
head -c {request} > "$r/{request_name}"
cat > "$r/{description}"
cd -- {folder}
timeout 100 condor_submit -terse -append {key} -append {place} "$r/{description}" || {{
  code=$?; rm -f "$r/{description}" "$r/{request_name}"; rmdir "$r/.submitted" "$r"; exit $code; }}
"""

_SUBMIT_STEPS = """
set -eu; r={records}
mkdir -p -- "$r"
mkdir -- "$r/.submitted" 2>/dev/null || exit 75
cd -- "$r"
head -c {folders} | xargs -0 -r mkdir -p --
{files}
timeout 100 condor_submit_dag -append {key} -append {place} steps.dag >&2
"""


class HTCondorQueue:
    """Implements :class:`~vispa_panel.jobs.queue.JobQueue`."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._account: tuple[str, str] | None = None
        self.patience = PATIENCE

    async def account(self) -> tuple[str, str]:
        """Who the user is on the host: name and home folder."""
        if self._account is None:
            done = await self._commands.run('id -un && printf %s "$HOME"')
            name, _, home = done.out.decode("utf-8", "replace").partition("\n")
            if done.code != 0 or not name or not home.startswith("/"):
                message = "The host does not say who you are."
                raise QueueUnclear(message)
            self._account = name, home
        return self._account

    # -- submitting ---------------------------------------------------------------------------

    async def describe(self, request: JobRequest, *, key: str = "KEY") -> str:
        """The submit description, for the person to see and edit."""
        _, home = await self.account()
        records = records_folder(request, key)
        return await asyncio.to_thread(write_description, request, records=records, home=home)

    async def submit(
        self, request: JobRequest, *, key: str, description: str | None = None
    ) -> Submitted:
        """Submit once, with the description as written here or as the person edited it."""
        records = records_folder(request, key)
        text = description or await self.describe(request, key=key)
        folders = b"".join(name.encode() + b"\0" for name in point_folders(request))
        kept = await asyncio.to_thread(request_as_json, request)
        command = _SUBMIT.format(
            records=shlex.quote(records),
            folder=shlex.quote(request.folder),
            folders=len(folders),
            request=len(kept),
            request_name=REQUEST,
            description=DESCRIPTION,
            key=shlex.quote(f"+VispaKey = {class_ad_text(key, 'key')}"),
            place=shlex.quote(f"+VispaRecords = {class_ad_text(records, 'folder')}"),
        )
        data = folders + kept + text.encode("utf-8", "replace")
        done = await self._commands.run(command, data=data, seconds=SUBMIT_PATIENCE)
        made = _made(done)
        if made is not None:
            alone = not request.points and description is None
            return Submitted(key, *made, records, f"{records}/{OUTPUT}" if alone else "")
        found = await self.find(key)
        if found is not None:
            return found
        if done.code is None or done.code == _TAKEN:
            message = "It is not clear whether this was submitted; nothing is submitted again."
            raise QueueUnclear(message)
        raise _refusal(done)

    async def submit_steps(
        self, steps: Sequence[Step], *, folder: str, name: str, key: str
    ) -> Submitted:
        """Submit a graph once; DAGMan is the cluster that is told, its steps come as jobs of it."""
        _, home = await self.account()
        records = records_folder(JobRequest(argv=("dag",), folder=folder, name=name), key)
        texts = await asyncio.to_thread(write_steps, steps, records=records, home=home)
        wanted = [f"{records}/{step.name}" for step in steps]
        wanted += [place for step in steps for place in point_folders(step.request)]
        folders = b"".join(place.encode() + b"\0" for place in wanted)
        parts = [(file, text.encode("utf-8", "replace")) for file, text in texts.items()]
        command = _SUBMIT_STEPS.format(
            records=shlex.quote(records),
            folders=len(folders),
            files="\n".join(f"head -c {len(data)} > {file}" for file, data in parts),
            key=shlex.quote(f"+VispaKey = {class_ad_text(key, 'key')}"),
            place=shlex.quote(f"+VispaRecords = {class_ad_text(records, 'folder')}"),
        )
        data = folders + b"".join(data for _, data in parts)
        done = await self._commands.run(command, data=data, seconds=SUBMIT_PATIENCE)
        found = await self.find(key)
        if found is not None:
            return found
        if done.code in {None, 0, _TAKEN}:
            message = "It is not clear whether this was submitted; nothing is submitted again."
            raise QueueUnclear(message)
        raise _refusal(done)

    async def find(self, key: str) -> Submitted | None:
        """What a key made, in the queue or the history."""
        constraint = f"VispaKey == {class_ad_text(key, 'key')}"
        wanted = "-attributes ClusterId,TotalSubmitProcs,VispaRecords -json"
        for tool in ("condor_q", f"condor_history {shlex.quote((await self.account())[0])}"):
            done = await self._ask(
                f"{tool} -limit 1 -constraint {shlex.quote(constraint)} {wanted}"
            )
            for ad in read_ads(done.out):
                cluster = whole(ad, "ClusterId")
                if cluster is not None:
                    count = whole(ad, "TotalSubmitProcs") or 1
                    return Submitted(key, cluster, count, text_of(ad, "VispaRecords"))
        return None

    async def request_of(self, job: JobInfo) -> JobRequest:
        """The kept request of a job that the portal submitted."""
        if not job.records.startswith("/"):
            message = "This job was not submitted here, so there is no request to edit."
            raise JobError(message)
        path = shlex.quote(f"{job.records}/{REQUEST}")
        done = await self._commands.run(f"cat -- {path}", limit=MOST_JSON)
        if done.code != 0:
            message = "The request of this job is not there any more."
            raise JobError(message)
        return await asyncio.to_thread(request_from_json, done.out)

    # -- looking ------------------------------------------------------------------------------

    async def jobs(self) -> JobList:
        """Everything of this user in the queue, by one question."""
        asked = time.time()
        wanted = ",".join(ATTRIBUTES)
        done = await self._ask(f"condor_q -limit {MOST_JOBS + 1} -json -attributes {wanted}")
        jobs = await asyncio.to_thread(_read_jobs, done.out)
        return JobList(jobs[:MOST_JOBS], asked, truncated=len(jobs) > MOST_JOBS)

    async def history(self, *, limit: int = 500) -> tuple[JobInfo, ...]:
        """Jobs that left the queue, newest first, as long as the schedd keeps them."""
        name, _ = await self.account()
        wanted = ",".join(ATTRIBUTES)
        done = await self._ask(
            f"condor_history {shlex.quote(name)} -limit {int(limit)} -json -attributes {wanted}"
        )
        return await asyncio.to_thread(_read_jobs, done.out)

    async def _ask(self, command: str) -> Done:
        """A question's answer; raises QueueUnclear when there is none."""
        done = await self._commands.run(
            f"timeout {self.patience:g} {command}", limit=MOST_BYTES, seconds=self.patience + 1
        )
        if done.code != 0:
            raise QueueUnclear(_silence(done))
        return done

    async def pool(self) -> PoolView:
        """Machines, queues and shares."""
        name, _ = await self.account()
        machines, queues, shares = await asyncio.gather(
            *(self._ask(question) for question in htcondor_pool.QUESTIONS)
        )
        return await asyncio.to_thread(
            htcondor_pool.pool_view, machines.out, queues.out, shares.out, name
        )

    async def why_waiting(self, job: JobInfo) -> Waiting:
        """HTCondor's match analysis and the shares, in words."""
        analysis, view = await asyncio.gather(
            self._ask(f"condor_q -better-analyze {job.cluster}.{job.proc}"), self.pool()
        )
        return htcondor_pool.waiting_in_words(job, analysis.out, view)

    # -- acting -------------------------------------------------------------------------------

    async def hold(self, ids: Sequence[str]) -> None:
        """Keep them from running."""
        await self._act("condor_hold", ids, "JobStatus != 5")

    async def release(self, ids: Sequence[str]) -> None:
        """Let held jobs go on."""
        await self._act("condor_release", ids, "JobStatus == 5")

    async def remove(self, ids: Sequence[str]) -> None:
        """Stop and forget them."""
        await self._act("condor_rm", ids, "true")

    async def set_priority(self, ids: Sequence[str], priority: int) -> None:
        """Which of my jobs comes first."""
        # condor_prio knows no constraint.
        await self._act("condor_qedit", ids, "true", f"JobPrio {int(priority)}")

    async def _act(self, tool: str, ids: Sequence[str], state: str, more: str = "") -> None:
        if not ids:
            return
        name, _ = await self.account()
        owner = class_ad_text(name, "name")
        constraint = f"Owner == {owner} && {state} && ({chosen(ids)})"
        command = f"timeout 60 {tool} -constraint {shlex.quote(constraint)} {more}"
        done = await self._commands.run(command, seconds=61)
        if done.code is None:
            raise QueueUnclear(_silence(done))
        if done.code != 0 and not _nothing_to_do(done):
            raise _refusal(done)

    def terminal_command(self, job: JobInfo) -> str:
        """A shell beside a running job, on its worker."""
        return f"condor_ssh_to_job {job.cluster}.{job.proc}"


def chosen(ids: Iterable[str]) -> str:
    """A constraint for these jobs, as ranges of numbers; raises JobRefused for what is no id."""
    try:
        numbers = sorted({(int(one.split(".")[0]), int(one.split(".")[1])) for one in ids})
    except (ValueError, IndexError) as error:
        message = "This is no job."
        raise JobRefused(message) from error
    parts = []
    for (cluster, _), run in itertools.groupby(
        enumerate(numbers), key=lambda pair: (pair[1][0], pair[1][1] - pair[0])
    ):
        procs = [proc for _, (_, proc) in run]
        parts.append(f"ClusterId == {cluster} && ProcId >= {procs[0]} && ProcId <= {procs[-1]}")
    return " || ".join(f"({part})" for part in parts)


def _read_jobs(data: bytes) -> tuple[JobInfo, ...]:
    return tuple(job_from_ad(ad) for ad in read_ads(data))


def _made(done: Done) -> tuple[int, int] | None:
    """Cluster and number of jobs from ``condor_submit -terse``: ``3.0 - 3.99``."""
    words = done.out.decode("utf-8", "replace").split()
    try:
        (first, _, last) = words[-3:]
        cluster, begin = (int(part) for part in first.split("."))
        same, end = (int(part) for part in last.split("."))
    except ValueError:
        return None
    return (cluster, end - begin + 1) if done.code == 0 and same == cluster else None


def _silence(done: Done) -> str:
    if "command not found" in done.err or done.code in {126, 127}:
        return "This host has no HTCondor."
    return "The batch system does not answer clearly just now."


def _nothing_to_do(done: Done) -> bool:
    told = done.err + done.out.decode("utf-8", "replace")
    return any(words in told.lower() for words in ("no jobs match", "not found", "couldn't find"))


def _refusal(done: Done) -> JobError:
    if "command not found" in done.err or done.code in {126, 127}:
        message = "This host has no HTCondor."
        return JobRefused(message)
    told = " ".join(line.strip() for line in done.err.splitlines() if line.strip())
    if "Failed to connect" in told or "SECMAN" in told or done.code == 124:  # noqa: PLR2004
        message = "The batch system does not answer clearly just now."
        return QueueUnclear(message)
    message = f"The batch system refused: {told.removeprefix('ERROR:').strip()[:500]}"
    return JobRefused(message.rstrip(".") + ".")
