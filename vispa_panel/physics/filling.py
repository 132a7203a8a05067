"""Histograms from the columns of trees, as TTree::Draw makes them: piece by piece, and exact."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import hist
import numpy as np

from vispa_panel.errors import ExpressionError
from vispa_panel.physics.binning import AxisWish, Extremes, bin_numbers, edges_for, wishes
from vispa_panel.physics.columns import Columns, is_numeric
from vispa_panel.physics.expressions import Expression, parsed
from vispa_panel.physics.expressions.computing import SPECIAL
from vispa_panel.physics.expressions.syntax import split_axes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

KEPT_BYTES = 256 << 20
"""Bytes of values kept between finding the bins and filling them."""
MOST_CELLS = 1 << 25
_NAMES = ("x", "y", "z")
_TARGET = re.compile(r">>\s*\w*\s*(?:\(([^()]*)\))?\s*$")


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """What is to be drawn: see :meth:`vispa_panel.physics.root_file.RootFile.histogram`."""

    expression: str
    cut: str | None = None
    weight: str | None = None
    bins: Any = None
    range: Any = None
    profile: bool = False


@dataclass(slots=True)
class Piece:
    """The values of some entries: one array an axis (all of one length), and weights or None."""

    values: list[NDArray[Any]]
    weights: NDArray[Any] | None

    @property
    def nbytes(self) -> int:
        """The arrays' bytes."""
        arrays = [*self.values, *([] if self.weights is None else [self.weights])]
        return sum(array.nbytes for array in arrays)


@dataclass(slots=True)
class Drawing:
    """A request checked against the columns of its trees."""

    request: DrawRequest
    trees: Sequence[Columns]
    labels: list[str] = field(default_factory=list)
    values: list[Expression] = field(default_factory=list)
    cut: Expression | None = None
    weight: Expression | None = None

    def __post_init__(self) -> None:
        known = {*self.trees[0].names, *SPECIAL}
        text, self.request = _without_target(self.request)
        parts = split_axes(text)
        if len(parts) > len(_NAMES):
            message = "A histogram has at most three axes."
            raise ExpressionError(message, place=parts[len(_NAMES)][1])
        if self.request.profile and len(parts) < 2:  # noqa: PLR2004 - what is averaged, and an axis
            message = "A profile needs two expressions or three: what is averaged : over what."
            raise ExpressionError(message)
        parts.reverse()
        if self.request.profile:  # ROOT's z:y:x and y:x name what is averaged first
            parts = [*parts[:-1], parts[-1]]
        self.values = [parsed(part, known, start=start) for part, start in parts]
        self.labels = [part.strip() for part, _ in parts]
        cut, weight = self.request.cut, self.request.weight
        self.cut = parsed(cut, known) if cut and cut.strip() else None
        self.weight = parsed(weight, known) if weight and weight.strip() else None

    @property
    def branches(self) -> list[str]:
        """The columns needed."""
        parts = [*self.values, *(one for one in (self.cut, self.weight) if one is not None)]
        return list(dict.fromkeys(name for part in parts for name in part.branches))

    @property
    def axes(self) -> int:
        """How many binned axes there are."""
        return len(self.values) - self.request.profile

    def pieces(self, progress: Callable[[float], None], begin: float = 0.0) -> Iterator[Piece]:
        """The values of all trees, piece by piece; progress goes from ``begin`` to 1."""
        total = max(sum(tree.entries for tree in self.trees), 1)
        done = 0
        for tree in self.trees:
            for start, stop in tree.pieces(self.branches):
                yield self._piece(tree, start, stop)
                done += stop - start
                progress(begin + (1 - begin) * done / total)

    def _piece(self, tree: Columns, start: int, stop: int) -> Piece:
        columns = tree.read(self.branches, start, stop)
        length = stop - start
        values = [_full(one.value(columns), length, one) for one in self.values]
        cut = None if self.cut is None else _full(self.cut.value(columns), length, self.cut)
        weight = (
            None if self.weight is None else _full(self.weight.value(columns), length, self.weight)
        )
        return _flat(values, cut, weight, self.request)


def _without_target(request: DrawRequest) -> tuple[str, DrawRequest]:
    """ROOT's ``expression>>name(100,0,10)`` as an expression with bins and a range."""
    found = _TARGET.search(request.expression)
    if found is None:
        return request.expression, request
    text = request.expression[: found.start()]
    try:
        numbers = [float(part) for part in (found[1] or "").split(",") if part.strip()]
    except ValueError as error:
        message = "The bins behind >> are numbers: (bins, low, high)."
        raise ExpressionError(message, place=found.start()) from error
    if numbers and len(numbers) % 3 == 0:
        triples = [numbers[i : i + 3] for i in range(0, len(numbers), 3)]
        bins = [int(one[0]) for one in triples]
        ranges = [(one[1], one[2]) for one in triples]
        if len(triples) == 1:
            return text, replace(request, bins=bins[0], range=ranges[0])
        return text, replace(request, bins=bins, range=ranges)
    return text, request


def _full(value: Any, length: int, of: Expression) -> Any:
    """A value for each entry; raises ExpressionError for what is no number."""
    if isinstance(value, bool | int | float | np.generic):
        return np.full(length, value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value if value.ndim == 1 else ak.Array(value)
    if isinstance(value, ak.Array) and not ak.fields(value) and _innermost_is_number(value):
        return value
    fields = ak.fields(value) if isinstance(value, ak.Array) else []
    hint = f" Name one of its parts: {', '.join(fields[:6])}." if fields else ""
    message = f"{of.text.strip()} is not a number in each entry.{hint}"
    raise ExpressionError(message, place=of.source.place(0))


def _innermost_is_number(value: ak.Array) -> bool:
    kind = str(ak.type(value)).rpartition(" * ")[2].lstrip("?").removeprefix("option[")
    return kind.rstrip("]").lstrip("u").startswith(("bool", "int", "float"))


def _flat(values: list[Any], cut: Any, weight: Any, request: DrawRequest) -> Piece:
    """Arrays of one dimension and one length: what passes the cut, values of jagged ones singly."""
    arrays = [*values, *(one for one in (cut, weight) if one is not None)]
    if any(isinstance(one, ak.Array) for one in arrays):
        arrays = _flattened(arrays, request)
    flat, rest = arrays[: len(values)], arrays[len(values) :]
    mask = rest.pop(0) if cut is not None else None
    weights = rest.pop(0) if weight is not None else None
    if mask is not None:
        mask = mask if mask.dtype == np.bool_ else mask != 0
        flat = [one[mask] for one in flat]
        weights = None if weights is None else weights[mask]
    return Piece(flat, weights)


def _flattened(arrays: list[Any], request: DrawRequest) -> list[NDArray[Any]]:
    if len(arrays) > 1:
        try:
            arrays = list(ak.broadcast_arrays(*arrays))
        except ValueError as error:
            message = (
                f"{request.expression.strip()} and its cut or weight do not have the same number"
                " of values in each entry; reduce them, as in max(jet_pt)."
            )
            raise ExpressionError(message) from error
    for _ in range(max(one.ndim for one in arrays) - 1):
        arrays = [ak.flatten(one, axis=1) for one in arrays]
    if all(is_numeric(one) for one in arrays):
        return [ak.to_numpy(one) for one in arrays]
    missing = np.zeros(len(arrays[0]), dtype=bool)
    for one in arrays:
        missing |= ak.to_numpy(ak.is_none(one))
    return [ak.to_numpy(ak.fill_none(one, 0))[~missing] for one in arrays]


def filled(
    drawings: Sequence[Drawing], progress: Callable[[float], None] = lambda _: None
) -> tuple[hist.Hist[Any], ...]:
    """The histograms of the drawings, all with the same bins; raises ExpressionError."""
    first = drawings[0]
    axes = first.axes
    if any(one.axes != axes for one in drawings):
        message = "What is drawn over each other must have the same number of axes."
        raise ExpressionError(message)
    wished = wishes(axes, first.request.bins, first.request.range)
    kept: list[list[Piece] | None] = [None] * len(drawings)
    seen = [Extremes()] * axes
    if not all(wish.is_settled for wish in wished):
        kept, seen = _surveyed(drawings, wished, progress)
    binned = [edges_for(wish, one, axes) for wish, one in zip(wished, seen, strict=True)]
    if np.prod([len(edges) + 1.0 for edges, _ in binned]) > MOST_CELLS:
        message = "These are more bins than can be shown."
        raise ExpressionError(message)
    out = []
    for number, (drawing, pieces) in enumerate(zip(drawings, kept, strict=True)):

        def told(part: float, number: int = number) -> None:
            progress((number + part) / len(drawings))

        out.append(_filled_one(drawing, binned, drawing.pieces(told) if pieces is None else pieces))
    return tuple(out)


def _surveyed(
    drawings: Sequence[Drawing], wished: Sequence[AxisWish], progress: Callable[[float], None]
) -> tuple[list[list[Piece] | None], list[Extremes]]:
    """All values once: their extremes, and the values themselves where they are few enough."""
    seen = [Extremes()] * len(wished)
    kept: list[list[Piece] | None] = []
    room = KEPT_BYTES
    for number, drawing in enumerate(drawings):
        pieces: list[Piece] | None = []

        def told(part: float, number: int = number) -> None:
            progress((number + part) / len(drawings))

        for piece in drawing.pieces(told):
            seen = [one.with_values(v) for one, v in zip(seen, piece.values, strict=False)]
            room -= piece.nbytes
            if room < 0:
                pieces = None
            elif pieces is not None:
                pieces.append(piece)
        kept.append(pieces)
    return kept, seen


def _filled_one(
    drawing: Drawing, binned: Sequence[tuple[Any, bool]], pieces: Any
) -> hist.Hist[Any]:
    """Count by bin numbers, so that edges decide exactly; then name the axes."""
    profile, weighted = drawing.request.profile, drawing.weight is not None
    counting = hist.Hist(
        *(
            hist.axis.Integer(0, len(edges) + 1, underflow=False, overflow=False)
            for edges, _ in binned
        ),
        storage=_storage(profile=profile, weighted=weighted),
    )
    plain = len(binned) == 1 and not weighted and not profile
    counts = np.zeros(len(binned[0][0]) + 1, dtype=np.int64)
    for piece in pieces:
        numbers = [
            bin_numbers(values, edges, even=even)
            for values, (edges, even) in zip(piece.values, binned, strict=False)
        ]
        if plain:
            counts += np.bincount(numbers[0], minlength=len(counts))
            continue
        options: dict[str, Any] = {}
        if weighted:
            options["weight"] = np.asarray(piece.weights, dtype=np.float64)
        if profile:
            options["sample"] = np.asarray(piece.values[-1], dtype=np.float64)
        counting.fill(*numbers, **options)
    axes = [
        _axis(edges, even=even, name=name, label=label)
        for (edges, even), name, label in zip(binned, _NAMES, drawing.labels, strict=False)
    ]
    out = hist.Hist(*axes, storage=counting.storage_type(), label=_label(drawing))
    out.view(flow=True)[...] = counts if plain else counting.view(flow=True)
    return out


def _label(drawing: Drawing) -> str:
    return drawing.labels[-1] if drawing.request.profile else ""


def _storage(*, profile: bool, weighted: bool) -> Any:
    if profile:
        return hist.storage.WeightedMean() if weighted else hist.storage.Mean()
    return hist.storage.Weight() if weighted else hist.storage.Double()


def _axis(edges: Any, *, even: bool, name: str, label: str) -> Any:
    if even:
        return hist.axis.Regular(
            len(edges) - 1, float(edges[0]), float(edges[-1]), name=name, label=label
        )
    return hist.axis.Variable(edges, name=name, label=label)
