"""What HTCondor's tools print as JSON, read as hostile input and made into the room's values.

Nothing here takes a value's kind on trust: what is no number where one must be is left out.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from typing import TYPE_CHECKING, Any

from vispa_panel.errors import QueueUnclear
from vispa_panel.jobs.queue import JobInfo, JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

Ad = dict[str, Any]

ATTRIBUTES = (
    *("ClusterId", "ProcId", "JobStatus", "VispaKey", "VispaRecords", "JobBatchName", "Cmd"),
    *("Arguments", "Iwd", "Out", "Err", "UserLog", "QDate", "JobCurrentStartDate"),
    *("CompletionDate", "EnteredCurrentStatus", "ExitCode", "ExitBySignal", "ExitSignal"),
    *("HoldReason", "HoldReasonCode", "HoldReasonSubCode", "RemoteHost", "LastRemoteHost"),
    *("RequestCpus", "RequestMemory", "RequestDisk", "RequestGPUs", "ResidentSetSize_RAW"),
    *("MemoryUsage", "DiskUsage_RAW", "RemoteUserCpu", "RemoteSysCpu", "RemoteWallClockTime"),
    *("GPUsAverageUsage", "NumShadowStarts", "JobPrio", "AcctGroup", "Owner", "DAGManJobId"),
    "ServerTime",
)
_STATES = {
    1: JobState.WAITING,
    2: JobState.RUNNING,
    3: JobState.REMOVED,
    4: JobState.FINISHED,
    5: JobState.HELD,
    6: JobState.RUNNING,
    7: JobState.SUSPENDED,
}
_KB = 1024
LONGEST = 4000
"""Characters of one text that are kept."""


def read_ads(data: bytes) -> Iterator[Ad]:
    """The ads of a tool's ``-json`` output, one at a time; nothing at all is an empty answer.

    Raises QueueUnclear for anything that is not a whole list of ads.
    """
    text = data.decode("utf-8", "replace").strip()
    if not text:
        return
    decoder = json.JSONDecoder()
    at, opened = 1, text[0] == "["
    try:
        while opened:
            at = _past_blanks(text, at)
            if text[at : at + 1] == "]" and not text[at + 1 :].strip():
                return
            ad, at = decoder.raw_decode(text, at)
            if not isinstance(ad, dict):
                break
            yield ad
            at = _past_blanks(text, at)
            if text[at : at + 1] == ",":
                at += 1
            elif text[at : at + 1] != "]":
                break
    except (ValueError, RecursionError) as error:
        message = "The batch system's answer was cut off or garbled."
        raise QueueUnclear(message) from error
    message = "The batch system's answer is no list."
    raise QueueUnclear(message)


def _past_blanks(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def number(ad: Ad, name: str) -> float | None:
    """A finite number, or None for anything else (an expression, say)."""
    value = ad.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1 << 53 else None  # neither infinite nor NaN


def whole(ad: Ad, name: str) -> int | None:
    """A whole number, or None."""
    value = number(ad, name)
    return None if value is None else int(value)


def text(ad: Ad, name: str) -> str:
    """A text, cut to what is kept; empty for anything else."""
    value = ad.get(name)
    return value[:LONGEST] if isinstance(value, str) else ""


def job_from_ad(ad: Ad) -> JobInfo:
    """A job from its ad; raises QueueUnclear when it does not even say which job it is."""
    cluster, proc = whole(ad, "ClusterId"), whole(ad, "ProcId")
    if cluster is None or proc is None:
        message = "The batch system's answer holds a job without a number."
        raise QueueUnclear(message)
    state = _STATES.get(whole(ad, "JobStatus") or 0, JobState.UNKNOWN)
    ended = state in {JobState.FINISHED, JobState.REMOVED}
    changed = number(ad, "EnteredCurrentStatus") or 0.0
    folder = text(ad, "Iwd")
    words = words_of(text(ad, "Arguments"))
    program = text(ad, "Cmd")
    memory, asked_disk = _used_memory(ad), whole(ad, "RequestDisk")
    used_disk = whole(ad, "DiskUsage_RAW")
    return JobInfo(
        id=f"{cluster}.{proc}",
        cluster=cluster,
        proc=proc,
        state=state,
        key=text(ad, "VispaKey"),
        records=text(ad, "VispaRecords"),
        name=text(ad, "JobBatchName") or posixpath.basename(program),
        command=command_line(program, words),
        folder=folder,
        submitted=number(ad, "QDate") or 0.0,
        started=number(ad, "JobCurrentStartDate") or None,
        ended=(number(ad, "CompletionDate") or changed) if ended else None,
        changed=changed,
        exit_code=_exit_code(ad) if state is JobState.FINISHED else None,
        hold_code=whole(ad, "HoldReasonCode") or 0,
        hold_subcode=whole(ad, "HoldReasonSubCode") or 0,
        hold_reason=text(ad, "HoldReason"),
        host=_host(text(ad, "RemoteHost") or text(ad, "LastRemoteHost")),
        asked_cpus=whole(ad, "RequestCpus"),
        asked_memory=whole(ad, "RequestMemory"),
        asked_disk=None if asked_disk is None else asked_disk // _KB,
        asked_gpus=whole(ad, "RequestGPUs") or 0,
        used_memory=memory,
        used_disk=None if used_disk is None else used_disk // _KB,
        used_cpus=_used_cpus(ad, running=state is JobState.RUNNING),
        used_gpus=number(ad, "GPUsAverageUsage"),
        starts=whole(ad, "NumShadowStarts") or 0,
        priority=whole(ad, "JobPrio") or 0,
        group=text(ad, "AcctGroup"),
        owner=text(ad, "Owner"),
        output=_path(folder, text(ad, "Out")),
        error=_path(folder, text(ad, "Err")),
        log=_path(folder, text(ad, "UserLog")),
        dag=whole(ad, "DAGManJobId") or 0,
    )


def _exit_code(ad: Ad) -> int | None:
    if ad.get("ExitBySignal") is True:
        signal = whole(ad, "ExitSignal")
        return None if signal is None else -signal
    return whole(ad, "ExitCode")


def _used_memory(ad: Ad) -> int | None:
    used = whole(ad, "MemoryUsage")
    if used is not None:
        return used
    resident = whole(ad, "ResidentSetSize_RAW")
    return None if resident is None else -(-resident // _KB)


def _used_cpus(ad: Ad, *, running: bool) -> float | None:
    seconds = (number(ad, "RemoteUserCpu") or 0.0) + (number(ad, "RemoteSysCpu") or 0.0)
    start, now = number(ad, "JobCurrentStartDate"), number(ad, "ServerTime")
    lasted = number(ad, "RemoteWallClockTime") or 0.0
    if running and start and now:
        lasted = now - start
    return seconds / lasted if lasted >= 1 else None


def _host(slot: str) -> str:
    return slot.rpartition("@")[2]


def _path(folder: str, name: str) -> str:
    return posixpath.join(folder, name) if name and name != "/dev/null" else ""


def words_of(arguments: str) -> tuple[str, ...]:
    """The words of an ad's ``Arguments`` (new syntax, without the outer quotes)."""
    words: list[str] = []
    word: str | None = None
    pieces = arguments.split("'")
    # Odd pieces stand between single quotes; an empty even one between two of them is a quote.
    for index, piece in enumerate(pieces):
        if index % 2:
            word = (word or "") + piece
        elif not piece and 0 < index < len(pieces) - 1:
            word = (word or "") + "'"
        else:
            first, *more = piece.replace("\t", " ").split(" ")
            word = word if not first and word is None else (word or "") + first
            for one in more:
                if word is not None:
                    words.append(word)
                word = one or None
    return tuple(words if word is None else [*words, word])


def command_line(program: str, words: tuple[str, ...]) -> str:
    """A command as a person would type it."""
    match words:
        case ("-lc" | "-c", line) if program in {"/bin/bash", "/bin/sh"}:
            return line
        case _ if program == "/usr/bin/env" and words:
            return shlex.join(words)
    return shlex.join((program, *words))
