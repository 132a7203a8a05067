"""Why HTCondor holds a job, in a sentence, with the usual cure.

The numbers are HTCondor's own (its manual, "Job ClassAd Attributes", HoldReasonCode).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vispa_panel.jobs.queue import JobInfo

_NO_FILE, _NO_RIGHT, _NO_PROGRAM_FORMAT, _NO_SPACE, _QUOTA = 2, 13, 8, 28, 122


@dataclass(frozen=True, slots=True)
class HoldAdvice:
    """What happened and what usually helps; ``reason`` is HTCondor's own text."""

    sentence: str
    cure: str
    reason: str = ""


_PLAIN = {
    1: ("You put it on hold.", "Release it when it may go on."),
    3: ("A rule of the job itself held it.", "Look at its periodic_hold, then release it."),
    4: ("A credential is missing or has run out.", "Renew it, then release the job."),
    5: ("A rule of the job held it.", "Look at its description, then release it."),
    15: ("It was submitted on hold.", "Release it when it may go on."),
    16: ("Its input files are still being sent.", "Wait until they are there."),
    21: ("The worker could not run it.", "Release it; it will usually run elsewhere."),
    26: ("A rule of the pool held it.", "Its reason is given below; ask the operator if unclear."),
    34: ("It used more memory than it asked for.", "Edit it to ask for more memory; submit again."),
    46: ("It ran longer than it may.", "Ask for more time, or divide the work; submit again."),
    47: ("It ran longer than it may.", "Ask for more time, or divide the work; submit again."),
    50: ("It produced more than the disk it asked for.", "Ask for more disk, then submit again."),
}
_STARTING = {6, 22}
_FILES_OUT, _FILES_IN = 12, 13
_FOLDER = 14
_OPENING = {7, 8, 9, 10, 11}


def hold_in_words(job: JobInfo) -> HoldAdvice:
    """What a held job's reason means."""
    sentence, cure = _words(job.hold_code, job.hold_subcode, job.hold_reason)
    return HoldAdvice(sentence, cure, job.hold_reason)


def _words(code: int, subcode: int, reason: str) -> tuple[str, str]:  # noqa: PLR0911 - one line a case
    if subcode in {_NO_SPACE, _QUOTA} or "quota" in reason.lower():
        return "The disk or your quota is full.", "Free some space, then release it."
    if code in _STARTING:
        if subcode == _NO_FILE:
            cure = "Check the program's path: it must be there on the workers too; submit again."
            return "The program is not there.", cure
        if subcode == _NO_RIGHT:
            return "The program may not be executed.", "Make it executable, then release the job."
        if subcode == _NO_PROGRAM_FORMAT:
            cure = "A script needs a first line such as #!/bin/bash."
            return "The program is of no kind that the worker can run.", cure
        return "The program could not be started.", "Its reason is given below."
    if code == _FOLDER:
        return "Its folder is not there on the worker.", "Put it on a shared disk; submit again."
    if code == _FILES_OUT:
        cure = "Check that the job writes what it promised, then release it."
        return "Its output could not be brought back.", cure
    if code == _FILES_IN:
        return "An input file could not be sent.", "Check its name and rights, then release it."
    if code in _OPENING:
        return (
            "Its output or log file cannot be written.",
            "Check that the folder exists and is yours, then release it.",
        )
    return _PLAIN.get(code, ("It is on hold.", "Its reason is given below."))
