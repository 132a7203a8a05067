"""Steps that wait for each other: a graph of requests, written for HTCondor's DAGMan."""

from __future__ import annotations

import graphlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vispa_panel.errors import JobRefused
from vispa_panel.jobs.description import write_description

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vispa_panel.jobs.request import JobRequest

MOST_STEPS = 1000
MOST_RETRIES = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_WORDS = {"PARENT", "CHILD", "ALL_NODES", "DAG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a graph; it starts when the steps it is ``after`` have ended well."""

    name: str
    request: JobRequest
    after: tuple[str, ...] = ()
    retries: int = 0


def levels_of(steps: Sequence[Step]) -> tuple[tuple[str, ...], ...]:
    """The names in rows for a picture: each step below all that it waits for.

    Raises JobRefused for names that are none, unknown or double ones, and for circles.
    """
    names = [step.name for step in steps]
    if not 1 <= len(names) <= MOST_STEPS:
        message = f"A graph has from 1 to {MOST_STEPS:,} steps."
        raise JobRefused(message)
    for step in steps:
        if not _NAME.fullmatch(step.name) or step.name.upper() in _WORDS:
            message = f"{step.name[:40]!r} is no name of a step: letters, digits and _ only."
            raise JobRefused(message)
        if names.count(step.name) > 1:
            message = f"Two steps have the name {step.name}."
            raise JobRefused(message)
        for other in step.after:
            if other not in names:
                message = f"{step.name} waits for {other[:40]!r}, which is no step."
                raise JobRefused(message)
    sorter = graphlib.TopologicalSorter({step.name: step.after for step in steps})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        message = f"These steps wait for each other: {', '.join(error.args[1])}."
        raise JobRefused(message) from error
    rows = []
    while sorter.is_active():
        row = sorter.get_ready()
        rows.append(tuple(sorted(row)))
        sorter.done(*row)
    return tuple(rows)


def write_steps(steps: Sequence[Step], *, records: str, home: str = "") -> dict[str, str]:
    """File names (relative to ``records``) and their texts; the graph is ``steps.dag``.

    Raises JobRefused.
    """
    levels_of(steps)
    files = {}
    lines = []
    for step in steps:
        place = f"{records}/{step.name}"
        files[f"{step.name}/job.sub"] = write_description(step.request, records=place, home=home)
        lines.append(f"JOB {step.name} {step.name}/job.sub")
        if step.retries:
            if not 0 < step.retries <= MOST_RETRIES:
                message = f"A step is tried again at most {MOST_RETRIES} times."
                raise JobRefused(message)
            lines.append(f"RETRY {step.name} {step.retries}")
    lines += [f"PARENT {' '.join(s.after)} CHILD {s.name}" for s in steps if s.after]
    return files | {"steps.dag": "\n".join(lines) + "\n"}
