"""Which bins: asked for, or found from the values themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from vispa_panel.errors import ExpressionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vispa_panel.physics.values import Floats

Bins: TypeAlias = "int | Sequence[int] | Sequence[float] | Sequence[Sequence[float]] | None"
Range: TypeAlias = "tuple[float, float] | Sequence[tuple[float, float] | None] | None"

DEFAULT_BINS = {1: 100, 2: 40, 3: 20}
"""Bins an axis for histograms of one, two and three axes, as in ROOT."""
MOST_BINS = 1 << 24
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_BLOCK = 1 << 15


@dataclass(frozen=True, slots=True)
class AxisWish:
    """What is asked of one axis: a number of bins or None, a range or None, or edges."""

    bins: int | None = None
    range: tuple[float, float] | None = None
    edges: Floats | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the values need not be seen first."""
        return self.edges is not None or self.range is not None


@dataclass(frozen=True, slots=True)
class Extremes:
    """The lowest and highest finite value, whether all are whole numbers, and their count."""

    low: float = math.inf
    high: float = -math.inf
    whole: bool = True
    count: int = 0

    def with_values(self, values: NDArray[Any]) -> Extremes:
        """These and more values."""
        if not values.size:
            return self
        low, high = values.min(), values.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            values = values[np.isfinite(values)]
            if not values.size:
                return self
            low, high = values.min(), values.max()
        whole = self.whole and (
            values.dtype.kind in "biu" or bool(np.all(values == np.rint(values)))
        )
        return Extremes(
            min(self.low, float(low)), max(self.high, float(high)), whole, self.count + values.size
        )


def wishes(axes: int, bins: Any, range_: Any) -> tuple[AxisWish, ...]:
    """One wish an axis; raises ExpressionError when they do not go together."""
    return tuple(
        _wish(one, other)
        for one, other in zip(_each(bins, axes, "bins"), _ranges(range_, axes), strict=True)
    )


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)


def _each(value: Any, axes: int, what: str) -> list[Any]:
    if axes == 1 and _is_sequence(value) and len(value) == 1:
        return list(value)
    if value is None or not _is_sequence(value) or axes == 1:
        return [value] * axes
    if len(value) != axes:
        message = f"There are {axes} axes, but {what} for {len(value)}."
        raise ExpressionError(message)
    return list(value)


def _ranges(value: Any, axes: int) -> list[Any]:
    if value is None:
        return [None] * axes
    if len(value) == 2 and not any(one is None or _is_sequence(one) for one in value):  # noqa: PLR2004
        return [value] * axes
    return _each(value, axes, "ranges") if axes > 1 else [value[0]]


def _wish(bins: Any, range_: Any) -> AxisWish:
    if _is_sequence(bins):
        edges = np.asarray(bins, dtype=np.float64)
        if edges.ndim != 1 or edges.size < 2 or not np.all(np.diff(edges) > 0):  # noqa: PLR2004
            message = "Edges of bins must be two or more rising numbers."
            raise ExpressionError(message)
        return AxisWish(edges=edges)
    number = None if bins is None else int(bins)
    if number is not None and not 0 < number <= MOST_BINS:
        message = f"The number of bins must be between 1 and {MOST_BINS}."
        raise ExpressionError(message)
    if range_ is None:
        return AxisWish(bins=number)
    low, high = float(range_[0]), float(range_[1])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        message = "A range goes from a lower to a higher number."
        raise ExpressionError(message)
    return AxisWish(number, (low, high))


def edges_for(wish: AxisWish, seen: Extremes, axes: int) -> tuple[Floats, bool]:
    """The edges of an axis, and whether they are equally far apart.

    Without a wish, whole numbers in a small range get a bin each, and else round numbers are
    taken so that every value has its bin.
    """
    if wish.edges is not None:
        return wish.edges, False
    bins = wish.bins or DEFAULT_BINS[axes]
    if wish.range is not None:
        return np.linspace(*wish.range, bins + 1), True
    if not seen.count:
        return np.linspace(0.0, 1.0, bins + 1), True
    if wish.bins is None and seen.whole and seen.high - seen.low < 2 * bins:
        return np.arange(seen.low - 0.5, seen.high + 1), True
    low, high, number = _round_limits(seen.low, seen.high, bins, exact=wish.bins is not None)
    return np.linspace(low, high, number + 1), True


def _round_limits(low: float, high: float, bins: int, *, exact: bool) -> tuple[float, float, int]:
    """Round limits around all values (the highest below the upper one) and the number of bins."""
    if low == high:
        half = abs(low) * 0.1 or 0.5
        low, high = low - half, high + half
    width = high / bins - low / bins
    power = 10.0 ** math.floor(math.log10(width)) if width > 0 else 0.0
    if power == 0.0 or not math.isfinite(width):
        return low, float(np.nextafter(high, math.inf)), bins
    step = next(size * power for size in _STEPS if size * power >= width * (1 - 1e-9))
    first, last = math.floor(low / step), math.floor(high / step) + 1
    if not exact:
        return first * step, last * step, last - first
    start = first * step
    while start + bins * step <= high:
        step = next(size * power for size in (*_STEPS, 20.0, 25.0, 50.0) if size * power > step)
        start = math.floor(low / step) * step
    return start, start + bins * step, bins


def bin_numbers(values: NDArray[Any], edges: Floats, *, even: bool) -> NDArray[np.intp]:
    """Each value's bin: 0 is below, 1 the first, ``len(edges)`` at or above the last edge, and NaN.

    Exactly as by comparing with the edges: a bin holds its lower edge and not its upper one.
    """
    last = len(edges)
    if not even:
        found: NDArray[np.intp] = np.searchsorted(edges, values, side="right")
        return found
    around = np.concatenate([[-np.inf], edges, [np.inf]])
    scale = (last - 1) / (edges[-1] - edges[0])
    out = np.empty(len(values), dtype=np.intp)
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK].astype(np.float64)
            guess = (block - edges[0]) * scale
            guess += 1
            np.nan_to_num(guess, copy=False, nan=last) if not np.isfinite(guess.sum()) else None
            numbers = np.clip(guess, 0, last).astype(np.intp)
            numbers -= block < around.take(numbers)
            numbers += block >= around.take(numbers + 1)
            out[start : start + _BLOCK] = np.minimum(numbers, last)
    return out
