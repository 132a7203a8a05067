"""HTCondor's job event log, read line by line while it grows.

HTCondor's own reader (``JobEventLog``) opens a file in the process that asks: it would need the
bindings on every host, or a user's file parsed by C++ code in the portal. The format is lines: a
head ``005 (012.003.000) 2026-11-24 13:02:06 Job terminated.``, indented details, and ``...``. So
the few kinds that change a job's state are read here, by patterns of bounded length, and a line
that is none of them is passed over. The times in the log have no zone; they are not used to say
what came first, the order in the log is.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vispa_panel.jobs.queue import JobState

if TYPE_CHECKING:
    from vispa_panel.jobs.queue import JobInfo

MOST_LINE = 4000
"""Characters of a line that are looked at; the rest is passed over."""

MOST_DETAILS = 60
"""Lines of one event that are looked at."""

_HEAD = re.compile(
    r"(?P<kind>\d{3}) \((?P<cluster>\d{1,12})\.(?P<proc>\d{1,9})\.\d{1,9}\) "
    r"(?P<when>[\d/.: T-]{10,30}) (?P<text>.*)"
)
_NORMAL = re.compile(r"\s*\(1\) Normal termination \(return value (-?\d{1,9})\)")
_SIGNAL = re.compile(r"\s*\(0\) Abnormal termination \(signal (\d{1,3})\)")
_CODE = re.compile(r"\s*Code (\d{1,6}) Subcode (-?\d{1,9})")
_MEMORY = re.compile(r"\s*(\d{1,12})\s+-\s+MemoryUsage of job \(MB\)")
_SLOT = re.compile(r"\s*SlotName: \S*@(\S{1,255})")

SUBMITTED, STARTED, EVICTED, ENDED, SIZE = 0, 1, 4, 5, 6
SHADOW_FAILED, ABORTED, SUSPENDED, RESUMED, HELD, RELEASED = 7, 9, 10, 11, 12, 13
DISCONNECTED, RECONNECTED, NO_RECONNECT = 22, 23, 24
_LEADS_TO = {
    SUBMITTED: JobState.WAITING,
    STARTED: JobState.RUNNING,
    EVICTED: JobState.WAITING,
    ENDED: JobState.FINISHED,
    SHADOW_FAILED: JobState.WAITING,
    ABORTED: JobState.REMOVED,
    SUSPENDED: JobState.SUSPENDED,
    RESUMED: JobState.RUNNING,
    HELD: JobState.HELD,
    RELEASED: JobState.WAITING,
    DISCONNECTED: JobState.UNKNOWN,
    RECONNECTED: JobState.RUNNING,
    NO_RECONNECT: JobState.WAITING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """One entry: ``state`` is None where it changes nothing; memory in MB."""

    kind: int
    job: str
    when: str
    state: JobState | None = None
    exit_code: int | None = None
    hold_code: int = 0
    hold_subcode: int = 0
    reason: str = ""
    host: str = ""
    memory: int | None = None


class EventReader:
    """Takes the log in pieces of any size and gives whole events."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[JobEvent]:
        """The events that are whole now."""
        found = []
        *lines, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        self._rest = self._rest[:MOST_LINE]
        for line in lines:
            if line.rstrip("\r") == "...":
                event = _event(self._lines)
                self._lines = []
                if event is not None:
                    found.append(event)
            elif len(self._lines) < MOST_DETAILS:
                self._lines.append(line[:MOST_LINE])
        return found


def _event(lines: list[str]) -> JobEvent | None:
    head = _HEAD.match(lines[0]) if lines else None
    if head is None:
        return None
    kind, details = int(head["kind"]), lines[1:]
    event = JobEvent(
        kind=kind,
        job=f"{int(head['cluster'])}.{int(head['proc'])}",
        when=head["when"].strip(),
        state=_LEADS_TO.get(kind),
    )
    if kind == ENDED:
        return replace(event, exit_code=_exit_code(details))
    if kind == HELD:
        return _held(event, details)
    if kind == STARTED:
        return replace(event, host=next(iter(_matches(_SLOT, details)), [""])[0])
    if kind == SIZE:
        memory = next(iter(_matches(_MEMORY, details)), None)
        return replace(event, memory=None if memory is None else int(memory[0]))
    return event


def _matches(pattern: re.Pattern[str], lines: list[str]) -> list[tuple[str, ...]]:
    return [tuple(found.groups()) for line in lines if (found := pattern.match(line))]


def _exit_code(details: list[str]) -> int | None:
    for (value,) in _matches(_NORMAL, details):
        return int(value)
    for (value,) in _matches(_SIGNAL, details):
        return -int(value)
    return None


def _held(event: JobEvent, details: list[str]) -> JobEvent:
    codes = next(iter(_matches(_CODE, details)), ("0", "0"))
    reason = details[0].strip() if details else ""
    return replace(event, hold_code=int(codes[0]), hold_subcode=int(codes[1]), reason=reason)


def after(job: JobInfo, event: JobEvent, now: float) -> JobInfo:
    """The job as it stands after an event that was seen at ``now``."""
    if event.memory is not None:
        job = replace(job, used_memory=event.memory)
    if event.state is None or job.state in {JobState.FINISHED, JobState.REMOVED}:
        return job
    job = replace(job, state=event.state, changed=now if event.state != job.state else job.changed)
    match event.state:
        case JobState.RUNNING if event.kind == STARTED:
            return replace(job, started=now, host=event.host or job.host)
        case JobState.FINISHED | JobState.REMOVED:
            return replace(job, ended=now, exit_code=event.exit_code)
        case JobState.HELD:
            return replace(
                job,
                hold_code=event.hold_code,
                hold_subcode=event.hold_subcode,
                hold_reason=event.reason,
            )
    return job
