"""Parameters made into jobs: every point its own folder, command line and values.

Folders are named ``parameter_value``, one level for each parameter (``E_1e19/theta_30``), in the
spelling that the scan browser reads back.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import posixpath
import re
import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from vispa_panel.errors import JobRefused
from vispa_panel.jobs.derived import Formula
from vispa_panel.jobs.request import MOST_POINTS, JobRequest, Point
from vispa_panel.jobs.values import Axis

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_NAME = 60
"""Characters of a value in a folder's name."""

_PLACE = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """``blocks`` are multiplied with each other; the axes within one go together, row by row.

    ``command`` is a command line in which ``{name}`` stands for a value and is always one word, or
    part of one, whatever it holds. ``derived`` are (name, formula), each of which may use those
    before it. Every constructor call checks names and numbers; raises JobRefused.
    """

    command: str
    blocks: tuple[tuple[Axis, ...], ...] = ()
    derived: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        names = [axis.name for block in self.blocks for axis in block]
        names += [name for name, _ in self.derived]
        for name in names:
            if names.count(name) > 1:
                message = f"Two parameters have the name {name}."
                raise JobRefused(message)
        for name, _ in self.derived:
            Axis(name, ("",))  # a derived value bears a name of the same kind
        for block in self.blocks:
            if len({len(axis.values) for axis in block}) > 1:
                told = ", ".join(f"{axis.name} {len(axis.values)}" for axis in block)
                message = f"Values that go together must be as many: {told}."
                raise JobRefused(message)
        if self.count > MOST_POINTS:
            message = f"{self.count:,} jobs are more than {MOST_POINTS:,}."
            raise JobRefused(message, next_step="Take fewer values, or submit in parts.")
        for name in _PLACE.findall(self.command):
            if name not in names:
                message = f"The command names {{{name}}}, which is no parameter."
                raise JobRefused(message)

    @property
    def count(self) -> int:
        """How many jobs it makes."""
        return math.prod(len(block[0].values) for block in self.blocks if block)

    def points(self) -> tuple[Point, ...]:
        """Every point; the last block changes fastest. It may take a second: use a thread."""
        words = self._words()
        formulas = [Formula(name, text) for name, text in self.derived]
        named: set[str] = set()
        return tuple(
            _point(words, _derived(values, formulas), [*values], named)
            for values in self._combinations()
        )

    def preview(self, limit: int = 200) -> tuple[str, ...]:
        """The first command lines, as the shell would take them."""
        words = self._words()
        formulas = [Formula(name, text) for name, text in self.derived]
        return tuple(
            shlex.join(_filled(words, _derived(values, formulas)))
            for values in itertools.islice(self._combinations(), limit)
        )

    def request(self, folder: str, *, name: str) -> JobRequest:
        """One cluster with all of them."""
        points = self.points()
        if not self.blocks:
            return JobRequest(argv=points[0].argv, folder=folder, name=name)
        return JobRequest(argv=points[0].argv, folder=folder, name=name, points=points)

    def _words(self) -> list[str]:
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            message = "A quote in the command is not closed."
            raise JobRefused(message) from error
        if not words:
            message = "There is no command."
            raise JobRefused(message)
        return words

    def _combinations(self) -> Iterator[dict[str, str]]:
        rows = [
            [
                dict(zip((axis.name for axis in block), row, strict=True))
                for row in zip(*(axis.values for axis in block), strict=True)
            ]
            for block in self.blocks
            if block
        ]
        for parts in itertools.product(*rows):
            yield {name: value for part in parts for name, value in part.items()}


def _derived(values: dict[str, str], formulas: list[Formula]) -> dict[str, str]:
    found = dict(values)
    for formula in formulas:
        found[formula.name] = formula.value(found)
    return found


def _filled(words: list[str], values: dict[str, str]) -> tuple[str, ...]:
    return tuple(_PLACE.sub(lambda place: values[place[1]], word) for word in words)


def _point(words: list[str], values: dict[str, str], chosen: list[str], named: set[str]) -> Point:
    folder = "/".join(f"{name}_{folder_word(values[name])}" for name in chosen) or "job"
    if folder in named:  # two values that are written alike in a name
        digest = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:8]
        folder = f"{folder}~{digest}".replace("~", ".")
    if folder in named:
        message = f"The same values stand twice: {', '.join(values[name] for name in chosen)}."
        raise JobRefused(message[:300])
    named.add(folder)
    return Point(folder, _filled(words, values), tuple(values.items()))


def folder_word(value: str) -> str:
    """A value as part of a folder's name: of a path its last part, nothing that needs quoting."""
    word = posixpath.basename(value.rstrip("/")) if "/" in value else value
    word = re.sub(r"[^A-Za-z0-9=@%+.-]+", "-", word)
    if len(word) > MOST_NAME:
        digest = hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        word = f"{word[:MOST_NAME]}.{digest}"
    return word or "empty"


def template_as_json(generator: Generator) -> bytes:
    """As a template is kept and shared."""
    return json.dumps(asdict(generator), ensure_ascii=True).encode()


def template_from_json(data: bytes) -> Generator:
    """A template that was kept; raises JobRefused for anything else."""
    message = "The template cannot be read."
    try:
        kept = json.loads(data)
        blocks = tuple(
            tuple(Axis(_text(axis["name"]), tuple(map(_text, axis["values"]))) for axis in block)
            for block in kept["blocks"]
        )
        derived = tuple((_text(name), _text(formula)) for name, formula in kept["derived"])
        command = _text(kept["command"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise JobRefused(message) from error
    return Generator(command=command, blocks=blocks, derived=derived)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
