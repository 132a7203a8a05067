"""What a person types for a parameter, made into its values.

``1, 2, 5`` is a list; ``0:1:0.1`` a range with its end; ``lin:0:1:11`` and ``log:1:1000:4`` are so
many points; they may be mixed with commas. A table is CSV or a paste from a spreadsheet. Values are
texts, as a command line takes them; ranges are computed in decimal numbers: ``0.3`` stays ``0.3``.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import posixpath
import re
from dataclasses import dataclass
from decimal import Decimal, DecimalException, localcontext
from typing import TYPE_CHECKING

from vispa_panel.errors import JobRefused
from vispa_panel.jobs.request import MOST_POINTS
from vispa_panel.workspace.files import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vispa_panel.workspace.files import Files

LONGEST = 1_000_000
"""Characters of a table that are taken."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_STEPS = re.compile(rf"({_NUMBER}):({_NUMBER}):({_NUMBER})")
_COUNTED = re.compile(rf"(lin|log):({_NUMBER}):({_NUMBER}):(\d{{1,5}})")
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and its values, in order."""

    name: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what can be no name and an axis without values; raises JobRefused."""
        if not _NAME.fullmatch(self.name):
            message = f"{self.name[:40]!r} is no name of a parameter: letters, digits and _ only."
            raise JobRefused(message)
        if not self.values:
            message = f"{self.name} has no values."
            raise JobRefused(message)
        if len(self.values) > MOST_POINTS:
            raise _too_many()


def _too_many() -> JobRefused:
    return JobRefused(f"These are more than {MOST_POINTS:,} values.")


def values_of(text: str) -> tuple[str, ...]:
    """The values of one parameter; raises JobRefused."""
    if len(text) > LONGEST:
        raise _too_many()
    found: list[str] = []
    try:
        parts = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error as error:
        message = "Values stand on one line, with commas between."
        raise JobRefused(message) from error
    for part in parts:
        found.extend(_values(part.strip()))
        if len(found) > MOST_POINTS:
            raise _too_many()
    return tuple(found)


def _values(part: str) -> Iterator[str]:
    if steps := _STEPS.fullmatch(part):
        return _range(*(Decimal(one) for one in steps.groups()))
    if counted := _COUNTED.fullmatch(part):
        kind, first, last, count = counted.groups()
        return _points(kind, Decimal(first), Decimal(last), int(count))
    return iter([part] if part else [])


def _range(first: Decimal, last: Decimal, step: Decimal) -> Iterator[str]:
    if step == 0 or (last - first) / step < 0:
        message = "The step does not lead from the first value to the last."
        raise JobRefused(message)
    if (last - first) / step > MOST_POINTS:
        raise _too_many()
    return (_written(first + step * index) for index in range(int((last - first) / step) + 1))


def _points(kind: str, first: Decimal, last: Decimal, count: int) -> Iterator[str]:
    if not 1 <= count <= MOST_POINTS:
        raise _too_many()
    if kind == "log" and (first <= 0 or last <= 0):
        message = "Logarithmic values must be above zero."
        raise JobRefused(message)
    parts = max(count - 1, 1)
    with localcontext() as context:
        context.prec = _DIGITS + 8
        try:
            if kind == "log":
                ratio = (last / first).ln() / parts
                found = [first * (ratio * index).exp() for index in range(count)]
            else:
                found = [first + (last - first) * index / parts for index in range(count)]
        except DecimalException as error:
            message = "These values cannot be computed."
            raise JobRefused(message) from error
    return (_written(value) for value in found)


def _written(value: Decimal) -> str:
    """At most 12 digits, without an idle exponent or zeros at the end."""
    return f"{float(value):.{_DIGITS}g}"


def table_of(text: str) -> tuple[Axis, ...]:
    """The columns of a CSV table or a paste, whose first line names them; raises JobRefused."""
    if len(text) > LONGEST:
        raise _too_many()
    first = text.lstrip().partition("\n")[0]
    delimiter = next((sign for sign in "\t;," if sign in first), ",")
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(text.strip()), delimiter=delimiter, strict=True)
            if any(row)
        ]
    except csv.Error as error:
        message = "The table cannot be read."
        raise JobRefused(message) from error
    if len(rows) < 2:  # noqa: PLR2004 - names and one row
        message = "The table needs a line of names and at least one row."
        raise JobRefused(message)
    names, *body = rows
    if any(len(row) != len(names) for row in body):
        number = next(at for at, row in enumerate(body, start=2) if len(row) != len(names))
        message = f"Row {number} of the table has another number of columns than its first line."
        raise JobRefused(message)
    return tuple(
        Axis(name.strip(), tuple(row[at].strip() for row in body)) for at, name in enumerate(names)
    )


async def files_matching(files: Files, pattern: str) -> tuple[str, ...]:
    """Paths of files on the host that match a pattern such as ``/data/run_*.root``, by name."""
    folder, name = posixpath.split(pattern)
    if not folder.startswith("/") or any(sign in folder for sign in "*?["):
        message = "A pattern is an absolute path, with * and ? in its last part only."
        raise JobRefused(message)
    listing = await files.list_folder(folder)
    return tuple(
        entry.path
        for entry in listing.entries
        if entry.kind is EntryKind.FILE and fnmatch.fnmatchcase(entry.name, name)
    )
