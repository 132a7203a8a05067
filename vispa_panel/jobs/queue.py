"""The door to a batch system, and the values that pass through it.

Everything happens on the workspace's host as its user. Times are in seconds since 1970 UTC,
memory and disk in MB, paths absolute on the host.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vispa_panel.jobs.request import JobRequest


class JobState(StrEnum):
    """Where a job stands; ``UNKNOWN`` where nobody said so clearly, never taken for an end."""

    WAITING = "waiting"
    RUNNING = "running"
    HELD = "held"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    REMOVED = "removed"
    UNKNOWN = "unknown"


ACTIVE = (JobState.WAITING, JobState.RUNNING, JobState.HELD, JobState.SUSPENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """What is known of one job; ``id`` is ``cluster.proc``.

    ``exit_code`` is negative for a signal, as in :mod:`subprocess`. ``asked_...`` is None where
    the pool decides. ``used_cpus`` is the average number of cores while it ran. ``changed`` is
    when it came to its present state. ``key`` is what the portal submitted it by, or empty.
    """

    id: str
    cluster: int
    proc: int
    state: JobState
    key: str = ""
    name: str = ""
    command: str = ""
    folder: str = ""
    submitted: float = 0.0
    started: float | None = None
    ended: float | None = None
    changed: float = 0.0
    exit_code: int | None = None
    hold_code: int = 0
    hold_subcode: int = 0
    hold_reason: str = ""
    host: str = ""
    asked_cpus: int | None = None
    asked_memory: int | None = None
    asked_disk: int | None = None
    asked_gpus: int = 0
    used_memory: int | None = None
    used_disk: int | None = None
    used_cpus: float | None = None
    used_gpus: float | None = None
    starts: int = 0
    priority: int = 0
    group: str = ""
    owner: str = ""
    output: str = ""
    error: str = ""
    log: str = ""
    records: str = ""
    dag: int = 0

    @property
    def active(self) -> bool:
        """Whether the batch system still has it."""
        return self.state in ACTIVE

    @property
    def failed(self) -> bool:
        """Whether it ended by itself, and not well."""
        return self.state is JobState.FINISHED and self.exit_code not in {0, None}


@dataclass(frozen=True, slots=True)
class JobList:
    """The jobs the batch system has of this user; ``truncated`` when it has more."""

    jobs: tuple[JobInfo, ...]
    asked_at: float
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a request: ``count`` jobs in a cluster, with their records in a folder.

    ``output`` is where a single job writes, empty for many or when it is not known.
    """

    key: str
    cluster: int
    count: int
    records: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a job waits: one sentence, and what it rests on.

    ``fitting`` counts the machines it could run on at all, ``free`` those with room now, and
    ``ahead`` the waiting jobs of people whose turn comes first; None where nobody said.
    """

    sentence: str
    details: tuple[str, ...] = ()
    fitting: int | None = None
    free: int | None = None
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One worker; memory in MB, ``load`` the processes that want a core."""

    name: str
    cpus: int
    cpus_free: int
    memory: int
    memory_free: int
    gpus: int
    gpus_free: int
    load: float


@dataclass(frozen=True, slots=True)
class QueueOfUser:
    """How many jobs somebody has, in all queues of the pool."""

    name: str
    running: int
    waiting: int
    held: int


@dataclass(frozen=True, slots=True)
class Share:
    """A user's or group's part: ``priority`` (low comes first), ``quota`` and ``used`` in cores.

    ``group`` is empty for a group itself; ``used_hours`` is what it has used in all, in core hours.
    """

    name: str
    group: str
    is_group: bool
    priority: float
    quota: float | None
    used: float
    used_hours: float


@dataclass(frozen=True, slots=True)
class PoolView:
    """The pool as anybody may see it; ``place`` is my place among the users, from 1."""

    machines: tuple[Machine, ...]
    queues: tuple[QueueOfUser, ...]
    shares: tuple[Share, ...]
    me: str = ""
    place: int | None = None
    asked_at: float = 0.0


class JobQueue(Protocol):
    """A batch system, as one user sees it.

    Raises :class:`~vispa_panel.errors.JobRefused` for what it refuses,
    :class:`~vispa_panel.errors.QueueUnclear` when it gives no clear answer, and
    :class:`~vispa_panel.errors.NotConnected`.
    """

    async def describe(self, request: JobRequest, *, key: str = ...) -> str:
        """The submit description that :meth:`submit` would write, for the person to see."""
        ...

    async def submit(
        self, request: JobRequest, *, key: str, description: str | None = None
    ) -> Submitted:
        """Submit once: the same ``key`` again finds what it made, and submits nothing.

        ``description`` is what the person made of the one that :meth:`describe` gives.
        """
        ...

    async def find(self, key: str) -> Submitted | None:
        """What was submitted by a key; None when nothing was."""
        ...

    async def jobs(self) -> JobList:
        """Everything the batch system has of this user."""
        ...

    async def history(self, *, limit: int = 500) -> tuple[JobInfo, ...]:
        """Jobs that have left the queue, newest first."""
        ...

    async def hold(self, ids: Sequence[str]) -> None:
        """Keep them from running."""
        ...

    async def release(self, ids: Sequence[str]) -> None:
        """Let held jobs go on."""
        ...

    async def remove(self, ids: Sequence[str]) -> None:
        """Stop and forget them."""
        ...

    async def set_priority(self, ids: Sequence[str], priority: int) -> None:
        """Which of my own jobs comes first: the highest."""
        ...

    async def why_waiting(self, job: JobInfo) -> Waiting:
        """Why it has not started."""
        ...

    async def pool(self) -> PoolView:
        """Machines, queues and shares."""
        ...

    async def request_of(self, job: JobInfo) -> JobRequest:
        """The request it came from, to edit and submit again; raises JobError without records."""
        ...

    def terminal_command(self, job: JobInfo) -> str:
        """The command line that opens a shell beside a running job."""
        ...


def new_key() -> str:
    """What one press on Submit is known by."""
    return secrets.token_hex(8)
