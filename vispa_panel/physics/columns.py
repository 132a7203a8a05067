"""The columns of one tree: which there are, read in pieces, and kept while memory allows."""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from vispa_panel.physics.uproot_door import told
from vispa_panel.physics.values import Branch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PIECE_ENTRIES = 1 << 20
"""Entries read at once at most."""
PIECE_BYTES = 128 << 20
"""Bytes read at once, roughly, after decompression."""
KEPT_BYTES = 512 << 20
"""Bytes of columns kept for the next request."""
_WORD = re.compile(r"[A-Za-z_][\w:]*")
_MANY = re.compile(r"vector|RVec|array|set<")
_NUMBERS = frozenset(
    {"bool", "char", "short", "int", "long", "unsigned", "signed", "float", "double", "size_t"}
    | {"Float16_t", "Double32_t", "Bool_t", "Char_t", "Int_t", "UInt_t", "Float_t", "Double_t"}
    | {
        f"{std}{u}int{bits}_t"
        for std in ("", "std::")
        for u in ("", "u")
        for bits in (8, 16, 32, 64)
    }
)
_HOLDERS = frozenset(
    {
        "RVec",
        "std::vector",
        "vector",
        "std::array",
        "std::set",
        "ROOT::VecOps::RVec",
        "ROOT::RVec",
        "std",
    }
)


class ColumnCache:
    """Pieces of columns by file, tree, branch and entries; the longest unused goes first."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[Any, ...]) -> Any:
        """What is kept under a key, or None."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: tuple[Any, ...], array: Any) -> None:
        """Keep an array and forget what is too much."""
        self._kept[key] = array
        self._bytes += array.nbytes
        while self._bytes > self._limit and self._kept:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.nbytes


class Columns:
    """The columns of a TTree, TNtuple or RNTuple that uproot has opened.

    ``names`` maps every name that may be typed to uproot's own: the full path, and its last part
    where that is not ambiguous.
    """

    def __init__(self, tree: Any, *, key: tuple[Any, ...], cache: ColumnCache) -> None:
        self._tree = tree
        self._key = key
        self._cache = cache
        self._edges: list[int] = []
        self.entries = int(tree.num_entries)
        self.is_ntuple = not hasattr(tree, "branches")
        self.names = _names([str(name) for name in tree.keys()])  # noqa: SIM118 - not a dict

    def branches(self) -> tuple[Branch, ...]:
        """What columns there are."""
        return tuple(self._branch(name) for name in self._tree.keys())  # noqa: SIM118

    def _branch(self, name: str) -> Branch:
        branch = self._tree[name]
        how = "" if self.is_ntuple else repr(branch.interpretation)
        type_name = str(getattr(branch, "typename", None) or "unknown")
        jagged = "AsJagged" in how or "[" in type_name or _MANY.search(type_name) is not None
        return Branch(
            name=name,
            title=str(getattr(branch, "title", "") or getattr(branch, "description", "")),
            type_name=type_name,
            is_jagged=jagged,
            is_drawable="char*" not in type_name and _is_drawable(type_name),
            size=0 if self.is_ntuple else int(branch.compressed_bytes),
        )

    def pieces(self, names: Iterable[str]) -> list[tuple[int, int]]:
        """The ranges of entries in which to read these columns, the same from call to call."""
        wanted = [self.names[name] for name in names if name in self.names]
        most = self._most_entries(wanted)
        if not self._edges:
            self._edges = self._natural_edges(wanted)
        if any(stop - start > 2 * most for start, stop in _pairs(self._edges)):
            self._edges = _refined(self._edges, most)
        return _pairs(_coarser(self._edges, most))

    def _most_entries(self, wanted: list[str]) -> int:
        if self.is_ntuple or not self.entries:
            return PIECE_ENTRIES // 4
        each = sum(max(int(self._tree[name].uncompressed_bytes), 0) for name in wanted)
        return max(min(PIECE_ENTRIES, PIECE_BYTES * self.entries // max(each, 1)), 1)

    def _natural_edges(self, wanted: list[str]) -> list[int]:
        """Where baskets or clusters end, so that none is read twice."""
        if self.is_ntuple:
            found = [int(one.num_first_entry) for one in self._tree.ntuple.cluster_summaries]
        else:
            offsets = [set(map(int, self._tree[name].entry_offsets)) for name in wanted]
            found = sorted(set.intersection(*offsets)) if offsets else []
        inner = {edge for edge in found if 0 < edge < self.entries}
        return sorted({0, self.entries} | inner)

    def read(self, names: Iterable[str], start: int, stop: int) -> dict[str, Any]:
        """The columns for entries ``start`` to ``stop``; NumPy where there is one value each.

        ``Entry$`` is the entry's number and ``Entries$`` how many there are.
        """
        out: dict[str, Any] = {}
        for name in names:
            if name in self.names:
                out[name] = self._column(self.names[name], start, stop)
        out["Entry$"] = np.arange(start, stop)
        out["Entries$"] = self.entries
        return out

    def _column(self, name: str, start: int, stop: int) -> Any:
        key = (*self._key, name, start, stop)
        found = self._cache.get(key)
        if found is None:
            with told(f"Branch {name.rpartition('/')[2]}"):
                found = self._fresh(name, start, stop)
            self._cache.put(key, found)
        return found

    def _fresh(self, name: str, start: int, stop: int) -> Any:
        branch = self._tree[name]
        limits = {"entry_start": start, "entry_stop": stop}
        flat = not self.is_ntuple and type(branch.interpretation).__name__ == "AsDtype"
        if flat and not branch.interpretation.inner_shape:
            array = branch.array(library="np", **limits)
            if array.dtype.names is None:
                return array
        array = branch.array(**limits)
        return ak.to_numpy(array) if is_numeric(array) else array


def is_numeric(array: Any) -> bool:
    """Whether an array of one dimension holds plain numbers without gaps."""
    return bool(array.layout.is_numpy) and array.ndim == 1


def _is_drawable(type_name: str) -> bool:
    """Whether a C++ type is a number, or many numbers."""
    words = _WORD.findall(type_name)
    return bool(words) and all(word in _NUMBERS or word in _HOLDERS for word in words)


def _names(full: list[str]) -> Mapping[str, str]:
    """Every name that may be typed: full ones first, then last parts that mean one thing."""
    names = {name: name for name in full}
    short: dict[str, list[str]] = {}
    for name in full:
        for alias in {name.partition("[")[0], name.rpartition("/")[2].partition("[")[0]}:
            short.setdefault(alias, []).append(name)
    for alias, meant in short.items():
        if len(meant) == 1:
            names.setdefault(alias, meant[0])
    return names


def _pairs(edges: list[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(edges))


def _coarser(edges: list[int], most: int) -> list[int]:
    """Fewer edges, so that the ranges are as long as they may be."""
    out = edges[:1]
    for before, edge in itertools.pairwise(edges):
        if edge - out[-1] > most and before != out[-1]:
            out.append(before)
    if len(edges) > 1:
        out.append(edges[-1])
    return out


def _refined(edges: list[int], most: int) -> list[int]:
    """More edges, so that no range is too long."""
    out = edges[:1]
    for start, stop in _pairs(edges):
        parts = -(-(stop - start) // most)
        out += [start + (stop - start) * part // parts for part in range(1, parts + 1)]
    return out
