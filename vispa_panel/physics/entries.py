"""Entries of a tree as rows of a table, one event's particles, and masses of their pairs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from vispa_panel.errors import UnreadableData
from vispa_panel.physics.filling import Drawing, DrawRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vispa_panel.physics.columns import Columns

DEFAULT_COLUMNS = 12
MOST_COLUMNS = 200
MOST_ROWS = 1000
MOST_SHOWN = 8
"""Values of a jagged column that one cell shows."""
MOST_PAIRS = 500
_SUFFIXES = {
    "pt": ("pt", "Pt", "PT"), "eta": ("eta", "Eta"), "phi": ("phi", "Phi"),
    "mass": ("mass", "Mass", "m"), "px": ("px", "Px"), "py": ("py", "Py"), "pz": ("pz", "Pz"),
    "e": ("E", "e", "energy"),
}  # fmt: skip
_MASSES = {"Muon": 0.1056584, "Electron": 0.000510999, "Photon": 0.0, "Tau": 1.77686}
"""Masses in GeV of particles whose tree does not tell (Particle Data Group)."""


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Rows of a tree: ``rows[i]`` is (entry, value of each column); ``total`` entries pass the cut.

    A value is a number or a text; several values of one entry are a text of the first ones.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    start: int
    total: int


@dataclass(frozen=True, slots=True)
class ParticleGroup:
    """Objects of one kind in an event: one row each, one value a column (``pt``, ``eta``, ...)."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One entry: its groups of objects, and the single values as (name, value)."""

    entry: int
    total: int
    groups: tuple[ParticleGroup, ...]
    scalars: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class PairMasses:
    """Invariant masses of all pairs of a group, as (index, index, mass); the unit is the tree's."""

    entry: int
    group: str
    pairs: tuple[tuple[int, int, float], ...]


def shown(value: Any) -> Any:
    """A value as a number or a short text."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | bytes):
        return value[:200] if isinstance(value, str) else repr(value[:100])
    if isinstance(value, ak.Array | np.ndarray):
        first = [str(shown(one)) for one in value[:MOST_SHOWN]]
        more = f", ... ({len(value)})" if len(value) > MOST_SHOWN else ""
        return f"[{', '.join(first)}{more}]"
    if isinstance(value, ak.Record):
        parts = (f"{name}={shown(value[name])}" for name in ak.fields(value)[:MOST_SHOWN])
        return ", ".join(parts)[:400]
    return str(value)[:200]


def entry_page(
    tree: Columns,
    columns: Sequence[str] = (),
    *,
    start: int = 0,
    limit: int = 50,
    cut: str | None = None,
) -> EntryPage:
    """Rows ``start`` to ``start + limit`` of those that pass the cut, in the tree's order.

    Without ``columns`` the first drawable ones. Raises ExpressionError and UnreadableData.
    """
    names = _chosen(tree, columns)
    limit, start = min(max(limit, 0), MOST_ROWS), max(start, 0)
    if cut and cut.strip():
        passing = _passing(tree, cut)
        numbers = passing[start : start + limit]
        total = len(passing)
    else:
        total = tree.entries
        numbers = np.arange(start, min(start + limit, total))
    rows = _rows(tree, names, [int(number) for number in numbers])
    return EntryPage(tuple(names), tuple(rows), start, total)


def _chosen(tree: Columns, columns: Sequence[str]) -> list[str]:
    for name in columns:
        if name not in tree.names:
            message = f"There is no branch {name}."
            raise UnreadableData(message)
    if columns:
        return list(columns)[:MOST_COLUMNS]
    drawable = [one.name for one in tree.branches() if one.is_drawable]
    return (drawable or list(tree.names))[:DEFAULT_COLUMNS]


def _passing(tree: Columns, cut: str) -> np.ndarray[Any, Any]:
    """The numbers of the entries in which the cut is true (for any of its values)."""
    drawing = Drawing(DrawRequest("Entry$", cut=cut), [tree])
    found = [np.unique(piece.values[0]) for piece in drawing.pieces(lambda _: None)]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _rows(tree: Columns, names: list[str], numbers: list[int]) -> list[tuple[Any, ...]]:
    """The rows of some entries, neighbouring ones read together."""
    rows: list[tuple[Any, ...]] = []
    for _, run in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        entries = [number for _, number in run]
        first = entries[0]
        found = tree.read(names, first, entries[-1] + 1)
        rows += [
            (entry, *(shown(found[name][entry - first]) for name in names)) for entry in entries
        ]
    return rows


def event(tree: Columns, entry: int) -> Event:
    """One entry, its columns gathered by the name before the last underscore or dot.

    ``Muon_pt`` and ``Muon_eta`` make the group ``Muon``. Raises UnreadableData.
    """
    names = [one.name for one in tree.branches() if one.is_drawable][:2000]
    values = _one(tree, names, entry)
    many: dict[str, dict[str, Any]] = {}
    single: list[tuple[str, Any]] = []
    for name, value in values.items():
        group, part = _split(name)
        if isinstance(value, ak.Array | np.ndarray) and group:
            many.setdefault(group, {})[part] = value
        else:
            single.append((name, shown(value)))
    groups = [_group(name, parts) for name, parts in many.items()]
    return Event(entry, tree.entries, tuple(groups), tuple(single))


def _one(tree: Columns, names: Sequence[str], entry: int) -> dict[str, Any]:
    if not 0 <= entry < tree.entries:
        message = f"There is no entry {entry}: there are {tree.entries}, counted from 0."
        raise UnreadableData(message)
    found = tree.read(names, entry, entry + 1)
    return {name: found[name][0] for name in names}


def _split(name: str) -> tuple[str, str]:
    short = name.rpartition("/")[2].partition("[")[0]
    for mark in (".", "_"):
        group, found, part = short.partition(mark)
        if found and group and part:
            return group, part
    return short, "value"


def _group(name: str, parts: dict[str, Any]) -> ParticleGroup:
    length = max((len(value) for value in parts.values()), default=0)
    fitting = {part: value for part, value in parts.items() if len(value) == length}
    order = [part for suffixes in _SUFFIXES.values() for part in suffixes if part in fitting]
    columns = [*order, *(part for part in fitting if part not in order)]
    rows = (tuple(shown(fitting[part][i]) for part in columns) for i in range(length))
    return ParticleGroup(name, tuple(columns), tuple(itertools.islice(rows, MOST_ROWS)))


def pair_masses(tree: Columns, entry: int, group: str) -> PairMasses:
    """The invariant mass of every pair of a group's objects in one entry.

    From ``pt``, ``eta``, ``phi`` and ``mass`` (a known one where the tree has none), or from
    ``px``, ``py``, ``pz`` and ``E``. Raises UnreadableData when the group has neither.
    """
    momenta = _four_momenta(tree, entry, group)
    pairs = []
    for one, other in itertools.islice(
        itertools.combinations(range(momenta.shape[1]), 2), MOST_PAIRS
    ):
        energy, x, y, z = momenta[:, one] + momenta[:, other]
        pairs.append((one, other, float(np.sqrt(max(energy**2 - x**2 - y**2 - z**2, 0.0)))))
    return PairMasses(entry, group, tuple(pairs))


def _four_momenta(tree: Columns, entry: int, group: str) -> np.ndarray[Any, Any]:
    """(E, px, py, pz) of a group's objects, of shape (4, objects)."""
    known: dict[str, str] = {}
    for name in tree.names:
        owner, part = _split(name)
        for meaning, suffixes in _SUFFIXES.items():
            if owner == group and part in suffixes:
                known.setdefault(meaning, name)
    values = {
        meaning: np.asarray(value, dtype=np.float64)
        for meaning, value in zip(known, _one(tree, list(known.values()), entry).values(),
                                  strict=False)
    }  # fmt: skip
    if {"px", "py", "pz", "e"} <= values.keys():
        return np.stack([np.atleast_1d(values[part]) for part in ("e", "px", "py", "pz")])
    if {"pt", "eta", "phi"} <= values.keys():
        pt, eta, phi = (np.atleast_1d(values[part]) for part in ("pt", "eta", "phi"))
        mass = values.get("mass", np.full_like(pt, _MASSES.get(group, 0.0)))
        px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
        return np.stack([np.sqrt(px**2 + py**2 + pz**2 + mass**2), px, py, pz])
    message = f"{group} has no momenta: pt, eta and phi, or px, py, pz and E, are needed."
    raise UnreadableData(message)
