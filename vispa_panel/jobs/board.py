"""The jobs of one user on one workspace, asked for once and shown in every tab.

The batch system is asked now and then, and only while somebody looks; what happens in between is
read from the jobs' own event logs as it is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import param

from vispa_panel.errors import FileError, JobError, NotConnected, PortalError, QueueUnclear
from vispa_panel.jobs.class_ads import command_line
from vispa_panel.jobs.description import LOG
from vispa_panel.jobs.event_log import EventReader, after
from vispa_panel.jobs.queue import JobInfo, JobState, PoolView, new_key
from vispa_panel.jobs.table import (
    ClusterSummary,
    JobFilter,
    JobPage,
    clusters_of,
    page_of,
    summary_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vispa_panel.jobs.archive import JobArchive
    from vispa_panel.jobs.event_log import JobEvent
    from vispa_panel.jobs.following import Following
    from vispa_panel.jobs.queue import JobQueue, Submitted, Waiting
    from vispa_panel.jobs.request import JobRequest
    from vispa_panel.workspace.files import Files

MOST_LOGS = 40
"""Event logs that are followed at the same time, of the newest clusters."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two questions, while jobs are there and while none is; events gather."""

    busy: float = 15.0
    idle: float = 60.0
    gather: float = 0.1


class JobBoard(param.Parameterized):
    """Shared by everything of one user on one workspace; counts who looks."""

    jobs: tuple[JobInfo, ...] = param.ClassSelector(  # type: ignore[assignment]
        class_=tuple, default=(), doc="Every job that is known (JobInfo), newest first."
    )
    as_of = param.Number(default=0.0, doc="When the batch system last answered, s since 1970.")
    problem = param.String(doc="Why nothing is known just now; empty when all is well.")
    truncated = param.Boolean(default=False, doc="Whether there are more jobs than are shown.")
    view: PoolView | None = param.ClassSelector(
        class_=PoolView, allow_None=True, doc="The pool, once asked for."
    )  # type: ignore[assignment]
    ended: ClusterSummary | None = param.ClassSelector(
        class_=ClusterSummary, allow_None=True, doc="The cluster that has ended last."
    )  # type: ignore[assignment]

    def __init__(
        self,
        queue: JobQueue,
        following: Following,
        files: Files,
        archive: JobArchive,
        rhythm: Rhythm | None = None,
    ) -> None:
        super().__init__()
        self.queue = queue
        self.following = following
        self._files = files
        self._archive = archive
        self._rhythm = rhythm or Rhythm()
        self._known: dict[str, JobInfo] = {}
        self._heard: dict[str, float] = {}
        self._kept: set[tuple[str, int]] | None = None
        self._asking = asyncio.Lock()
        self._watchers = 0
        self._watch: asyncio.Task[None] | None = None
        self._logs: dict[str, asyncio.Task[None]] = {}
        self._from_start: set[str] = set()
        self._showing: asyncio.Task[None] | None = None
        self._spare: set[asyncio.Task[None]] = set()

    # -- who looks ----------------------------------------------------------------------------

    def enter(self) -> None:
        """Somebody looks: ask now, and again from time to time."""
        self._watchers += 1
        if self._watch is None or self._watch.done():
            self._watch = self._begin(self._ask_again())

    async def leave(self) -> None:
        """One looks no longer; after the last one nothing is asked."""
        self._watchers = max(0, self._watchers - 1)
        if self._watchers == 0:
            await self.close()

    async def close(self) -> None:
        """Ask no more, follow no more."""
        mine = (self._watch, self._showing, *self._spare, *self._logs.values())
        tasks = [task for task in mine if task is not None]
        self._watch = self._showing = None
        self._logs = {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: object) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        return loop.create_task(work, context=contextvars.Context())  # type: ignore[arg-type]

    async def _ask_again(self) -> None:
        while True:
            # What went wrong stands in ``problem``; the next question may be answered.
            with contextlib.suppress(PortalError):
                await self.refresh()
            busy = any(job.active for job in self._known.values())
            await asyncio.sleep(self._rhythm.busy if busy or self.problem else self._rhythm.idle)

    # -- asking -------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Ask the batch system now; raises QueueUnclear and keeps it as ``problem``."""
        async with self._asking:
            try:
                await self._remember()
                listed = await self.queue.jobs()
                gone = self._gone({job.id for job in listed.jobs}, listed.asked_at)
                ended = await self.queue.history(limit=len(gone) + 100) if gone else ()
            except (QueueUnclear, NotConnected) as error:
                self.problem = error.advice
                self._show()
                raise
            for job in listed.jobs:
                self._take(job, listed.asked_at)
            await self._settle(gone, ended)
            self.param.update(as_of=listed.asked_at, problem="", truncated=listed.truncated)
            self._show()
            await self._follow_logs()

    async def _remember(self) -> None:
        """Once: what ended before, from the archive and from the batch system's history."""
        if self._kept is not None:
            return
        archived = await self._archive.load()
        history = await self.queue.history(limit=1000)
        self._kept = {_identity(job) for job in archived}
        self._known = {job.id: job for job in (*archived, *history)} | self._known
        await self._keep(history)

    async def _keep(self, jobs: Iterable[JobInfo]) -> None:
        kept = self._kept if self._kept is not None else set()
        new = [job for job in jobs if _identity(job) not in kept]
        await self._archive.keep(new)
        kept.update(_identity(job) for job in new)

    def _gone(self, listed: set[str], asked_at: float) -> dict[str, JobInfo]:
        """Jobs that the queue had and has no more, or whose end is known from their log only."""
        return {
            job.id: job
            for job in self._known.values()
            if job.id not in listed
            and _identity(job) not in (self._kept or ())
            and self._heard.get(job.id, 0.0) < asked_at
        }

    def _take(self, job: JobInfo, asked_at: float) -> None:
        known = self._known.get(job.id)
        if known is not None and self._heard.get(job.id, 0.0) >= asked_at:
            # The log has told something newer than this answer.
            job = replace(
                job,
                state=known.state,
                changed=known.changed,
                ended=known.ended,
                exit_code=known.exit_code,
                started=known.started,
            )
        self._known[job.id] = job

    async def _settle(self, gone: dict[str, JobInfo], ended: Iterable[JobInfo]) -> None:
        found = {job.id: job for job in ended if job.id in gone}
        self._known |= found
        await self._keep(found.values())
        for job in gone.values():
            if job.id not in found and job.active:
                # It left the queue and nobody says how: that is no end.
                self._known[job.id] = replace(job, state=JobState.UNKNOWN)

    # -- hearing ------------------------------------------------------------------------------

    async def _follow_logs(self) -> None:
        newest = sorted(
            {(job.cluster, job.log) for job in self._known.values() if job.active and job.log},
            reverse=True,
        )
        wanted = list(dict.fromkeys(log for _, log in newest))[:MOST_LOGS]
        for log in set(self._logs) - set(wanted):
            self._logs.pop(log).cancel()
        for log in wanted:
            task = self._logs.get(log)
            if self._watchers and (task is None or task.done()):
                self._logs[log] = self._begin(self._follow(log))

    async def _follow(self, log: str) -> None:
        reader, offset = EventReader(), 0
        if log not in self._from_start:
            with contextlib.suppress(FileError):
                offset = (await self._files.stat(log)).size
        # When the connection goes, the next refresh begins anew.
        with contextlib.suppress(PortalError):
            async for piece in self.following.follow(log, offset=offset):
                if piece.restart:
                    reader = EventReader()
                events = await asyncio.to_thread(reader.feed, piece.data)
                self._hear(events)

    def _hear(self, events: list[JobEvent]) -> None:
        now = time.time()
        for event in events:
            job = self._known.get(event.job)
            if job is not None:
                self._known[job.id] = after(job, event, now)
                self._heard[job.id] = now
        if events and (self._showing is None or self._showing.done()):
            self._showing = self._begin(self._show_soon())

    async def _show_soon(self) -> None:
        await asyncio.sleep(self._rhythm.gather)
        self._show()

    def _show(self) -> None:
        jobs = sorted(self._known.values(), key=lambda job: (-job.cluster, job.proc))
        if self.problem:
            jobs = [replace(job, state=JobState.UNKNOWN) if job.active else job for job in jobs]
        before = {job.cluster for job in self.jobs if job.active}
        if tuple(jobs) != self.jobs:
            self.jobs = tuple(jobs)
        if not self.problem:
            for cluster in before - {job.cluster for job in jobs if not _over(job)}:
                self.ended = summary_of([job for job in jobs if job.cluster == cluster])

    # -- showing ------------------------------------------------------------------------------

    def job(self, job_id: str) -> JobInfo | None:
        """One job as it is known."""
        return self._known.get(job_id)

    def clusters(self) -> tuple[ClusterSummary, ...]:
        """Newest first."""
        return clusters_of(self.jobs)

    def page(
        self,
        chosen: JobFilter | None = None,
        *,
        sort: str = "id",
        descending: bool = True,
        offset: int = 0,
        count: int = 100,
    ) -> JobPage:
        """Some rows; ``sort`` is a key of :data:`vispa_panel.jobs.table.SORTS`."""
        return page_of(
            self.jobs,
            chosen or JobFilter(),
            sort=sort,
            descending=descending,
            offset=offset,
            count=count,
        )

    # -- acting -------------------------------------------------------------------------------

    async def submit(
        self, request: JobRequest, *, key: str = "", description: str | None = None
    ) -> Submitted:
        """Submit, and show it at once; a press that is tried again brings the same key."""
        made = await self.queue.submit(request, key=key or new_key(), description=description)
        log = f"{made.records}/{LOG}"
        self._from_start.add(log)
        now = time.time()
        for proc in range(made.count):
            job = _awaited(made, proc, request, now)
            self._known.setdefault(job.id, job)
            self._heard[job.id] = now
        self._show()
        if self._watchers:
            self._logs.setdefault(log, self._begin(self._follow(log)))
        task = self._begin(self._refresh_quietly())
        self._spare.add(task)
        task.add_done_callback(self._spare.discard)
        return made

    async def _refresh_quietly(self) -> None:
        with contextlib.suppress(PortalError):  # it stands in ``problem``
            await self.refresh()

    async def hold(self, ids: Sequence[str]) -> None:
        """Keep them from running."""
        await self.queue.hold(ids)
        await self.refresh()

    async def release(self, ids: Sequence[str]) -> None:
        """Let held jobs go on."""
        await self.queue.release(ids)
        await self.refresh()

    async def remove(self, ids: Sequence[str]) -> None:
        """Stop and forget them."""
        await self.queue.remove(ids)
        await self.refresh()

    async def set_priority(self, ids: Sequence[str], priority: int) -> None:
        """Which of my jobs comes first."""
        await self.queue.set_priority(ids, priority)
        await self.refresh()

    async def resubmit(self, ids: Sequence[str]) -> Submitted:
        """These jobs of one cluster again, in their own folders; raises JobError."""
        jobs = [job for one in ids if (job := self._known.get(one)) is not None]
        if not jobs or len({job.cluster for job in jobs}) != 1:
            message = "Choose jobs of one cluster."
            raise JobError(message)
        request = await self.queue.request_of(jobs[0])
        return await self.submit(request.only(tuple(sorted(job.proc for job in jobs))))

    async def resubmit_failed(self, cluster: int) -> Submitted:
        """The failed jobs of a cluster again; raises JobError when none has failed."""
        failed = [job.id for job in self._known.values() if job.cluster == cluster and job.failed]
        if not failed:
            message = "None of these jobs has failed."
            raise JobError(message)
        return await self.resubmit(failed)

    async def why_waiting(self, job_id: str) -> Waiting:
        """Why a job has not started; raises JobError for one that is not known."""
        job = self._known.get(job_id)
        if job is None:
            message = "This job is not known."
            raise JobError(message)
        return await self.queue.why_waiting(job)

    async def look_at_pool(self) -> PoolView:
        """Machines, queues and shares, now."""
        self.view = view = await self.queue.pool()
        return view


def _awaited(made: Submitted, proc: int, request: JobRequest, now: float) -> JobInfo:
    """A job that was submitted just now, before the batch system has told of it."""
    argv = request.points[proc].argv if proc < len(request.points) else request.argv
    return JobInfo(
        id=f"{made.cluster}.{proc}",
        cluster=made.cluster,
        proc=proc,
        state=JobState.WAITING,
        key=made.key,
        name=request.name,
        command=command_line(argv[0], argv[1:]),
        folder=request.folder,
        submitted=now,
        changed=now,
        records=made.records,
        output=made.output,
        log=f"{made.records}/{LOG}",
    )


def _identity(job: JobInfo) -> tuple[str, int]:
    """A schedd that was set up anew counts from 1 again."""
    return job.id, int(job.submitted)


def _over(job: JobInfo) -> bool:
    return job.state in {JobState.FINISHED, JobState.REMOVED}
