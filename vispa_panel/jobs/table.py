"""Many jobs as a person looks at them: by cluster, filtered, sorted, a page at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vispa_panel.jobs.queue import JobInfo, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """The jobs that were submitted together; ``counts`` by state, ``failed`` of the finished."""

    cluster: int
    name: str
    command: str
    folder: str
    submitted: float
    total: int
    failed: int
    counts: Mapping[JobState, int] = field(default_factory=dict)
    records: str = ""

    @property
    def active(self) -> int:
        """How many the batch system still has, or may have."""
        ended = self.counts.get(JobState.FINISHED, 0) + self.counts.get(JobState.REMOVED, 0)
        return self.total - ended

    @property
    def progress(self) -> float:
        """The part that has finished, from 0 to 1."""
        return self.counts.get(JobState.FINISHED, 0) / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What to show; ``text`` is looked for in name, command, folder, host and id."""

    text: str = ""
    states: frozenset[JobState] = frozenset()
    cluster: int | None = None
    failed_only: bool = False

    def takes(self, job: JobInfo) -> bool:
        """Whether a job is shown."""
        if self.cluster is not None and job.cluster != self.cluster:
            return False
        if self.states and job.state not in self.states:
            return False
        if self.failed_only and not job.failed:
            return False
        wanted = self.text.casefold()
        return not wanted or any(
            wanted in value.casefold()
            for value in (job.name, job.command, job.folder, job.host, job.id)
        )


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some rows of ``total``."""

    rows: tuple[JobInfo, ...]
    total: int


SORTS = {
    "id": lambda job: (job.cluster, job.proc),
    "state": lambda job: (job.state.value, job.cluster, job.proc),
    "submitted": lambda job: (job.submitted, job.cluster, job.proc),
    "ended": lambda job: (job.ended or float("inf"), job.cluster, job.proc),
    "memory": lambda job: (job.used_memory or 0, job.cluster, job.proc),
    "host": lambda job: (job.host, job.cluster, job.proc),
    "name": lambda job: (job.name, job.cluster, job.proc),
}


def page_of(
    jobs: Iterable[JobInfo],
    chosen: JobFilter,
    *,
    sort: str = "id",
    descending: bool = True,
    offset: int = 0,
    count: int = 100,
) -> JobPage:
    """The rows from ``offset``."""
    found = sorted(filter(chosen.takes, jobs), key=SORTS[sort], reverse=descending)
    return JobPage(tuple(found[offset : offset + count]), len(found))


def clusters_of(jobs: Sequence[JobInfo]) -> tuple[ClusterSummary, ...]:
    """Newest first."""
    groups: defaultdict[int, list[JobInfo]] = defaultdict(list)
    for job in jobs:
        groups[job.cluster].append(job)
    return tuple(summary_of(groups[cluster]) for cluster in sorted(groups, reverse=True))


def summary_of(jobs: Sequence[JobInfo]) -> ClusterSummary:
    """Of the jobs of one cluster."""
    first = jobs[0]
    return ClusterSummary(
        cluster=first.cluster,
        name=first.name,
        command=first.command,
        folder=first.folder,
        submitted=first.submitted,
        total=len(jobs),
        failed=sum(job.failed for job in jobs),
        counts=Counter(job.state for job in jobs),
        records=first.records,
    )
