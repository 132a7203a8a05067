"""The shapes that can be fitted: their parameters, values, and where a fit starts.

Peaks are given by their height or area in entries a bin; every width is that of the data's axis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.special import voigt_profile

from vispa_panel.errors import FitFailed
from vispa_panel.physics.expressions import parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.physics.values import Floats

Value: TypeAlias = "Callable[..., Floats]"
Start: TypeAlias = "Callable[[Floats, Floats], list[float]]"
HIGHEST_ORDER = 9
_PARAMETER = re.compile(r"\[(\w+)\]")


@dataclass(frozen=True, slots=True)
class Shape:
    """``value(x, *parameters)`` and ``start(x, y)``: the parameters where a fit begins."""

    names: tuple[str, ...]
    value: Value
    start: Start
    limits: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


def _moments(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Height, mean and width of the data above their floor."""
    above = np.clip(y - np.min(y), 0, None)
    total = float(above.sum()) or 1.0
    mean = float((x * above).sum() / total)
    width = float(np.sqrt(max((above * (x - mean) ** 2).sum() / total, 0.0)))
    return float(np.max(y)), float(x[np.argmax(y)]), width or float(np.ptp(x)) / 10 or 1.0


def _peak_start(x: Floats, y: Floats) -> list[float]:
    height, _, width = _moments(x, y)
    above = x[y > np.min(y) + (height - np.min(y)) / 2]
    half = float(np.ptp(above)) / 2.355 if len(above) > 2 else width  # noqa: PLR2004
    peak = float(np.mean(above)) if len(above) else float(np.mean(x))
    return [height, peak, half or width]


def gauss(x: Floats, height: float, mean: float, sigma: float) -> Floats:
    """``height * exp(-(x - mean)**2 / (2 sigma**2))``."""
    out: Floats = height * np.exp(-0.5 * ((x - mean) / sigma) ** 2)
    return out


def exponential(x: Floats, constant: float, slope: float) -> Floats:
    """``exp(constant + slope * x)``, as ROOT's ``expo``."""
    out: Floats = np.exp(constant + slope * x)
    return out


def polynomial(x: Floats, *coefficients: float) -> Floats:
    """``c0 + c1 x + c2 x**2 ...``."""
    out: Floats = np.polynomial.polynomial.polyval(x, np.asarray(coefficients))
    return out


def breit_wigner(x: Floats, height: float, mean: float, width: float) -> Floats:
    """The non-relativistic form, ``height`` at its peak; ``width`` is its full width at half."""
    out: Floats = height * (width / 2) ** 2 / ((x - mean) ** 2 + (width / 2) ** 2)
    return out


def voigt(x: Floats, area: float, mean: float, sigma: float, width: float) -> Floats:
    """A Breit-Wigner of full width ``width`` folded with a Gauss of ``sigma``."""
    out: Floats = area * voigt_profile(x - mean, abs(sigma), abs(width) / 2)
    return out


def crystal_ball(  # noqa: PLR0917 - the parameters of the curve, in the usual order
    x: Floats, height: float, mean: float, sigma: float, alpha: float, n: float
) -> Floats:
    """A Gauss with a power law on its lower side, ``alpha`` sigmas below the mean.

    J. E. Gaiser, SLAC-R-255 (1982).
    """
    t = (x - mean) / abs(sigma)
    a = abs(alpha)
    with np.errstate(all="ignore"):
        tail = (n / a) ** n * np.exp(-0.5 * a * a) * (n / a - a - np.minimum(t, -a)) ** -n
    out: Floats = height * np.where(t > -a, np.exp(-0.5 * t * t), tail)
    return out


def _exponential_start(x: Floats, y: Floats) -> list[float]:
    positive = y > 0
    if np.count_nonzero(positive) < 2:  # noqa: PLR2004 - a line needs two points
        return [0.0, 0.0]
    slope, constant = np.polyfit(x[positive], np.log(y[positive]), 1, w=np.sqrt(y[positive]))
    return [float(constant), float(slope)]


def _polynomial_start(order: int) -> Start:
    def start(x: Floats, y: Floats) -> list[float]:
        fitted = np.polynomial.Polynomial.fit(x, y, min(order, len(x) - 1)).convert().coef
        return [float(value) for value in np.pad(fitted, (0, order + 1 - len(fitted)))]

    return start


def _voigt_start(x: Floats, y: Floats) -> list[float]:
    height, mean, sigma = _peak_start(x, y)
    return [height * sigma * 2.5, mean, sigma * 0.7, sigma]


_POSITIVE = (1e-12, None)
_PEAKS: dict[str, Shape] = {
    "gauss": Shape(("height", "mean", "sigma"), gauss, _peak_start, {"sigma": _POSITIVE}),
    "breit_wigner": Shape(
        ("height", "mean", "width"),
        breit_wigner,
        lambda x, y: [*_peak_start(x, y)[:2], _peak_start(x, y)[2] * 2.0],
        {"width": _POSITIVE},
    ),
    "voigt": Shape(
        ("area", "mean", "sigma", "width"),
        voigt,
        _voigt_start,
        {"sigma": _POSITIVE, "width": _POSITIVE},
    ),
    "crystal_ball": Shape(
        ("height", "mean", "sigma", "alpha", "n"),
        crystal_ball,
        lambda x, y: [*_peak_start(x, y), 1.5, 3.0],
        {"sigma": _POSITIVE, "alpha": (0.05, 10.0), "n": (1.01, 100.0)},
    ),
}
KINDS = (*_PEAKS, "exponential", "polynomial", "formula")


def shape_of(kind: str, *, formula: str = "", order: int = 1, background: bool = False) -> Shape:
    """The shape of a kind; raises FitFailed for an unknown one, ExpressionError for a formula."""
    if not 0 <= order <= HIGHEST_ORDER:
        message = f"A polynomial's order is between 0 and {HIGHEST_ORDER}."
        raise FitFailed(message)
    if kind == "formula":
        return _formula_shape(formula)
    if kind == "polynomial":
        return _polynomial_shape(order)
    if kind == "exponential":
        shape = Shape(("constant", "slope"), exponential, _exponential_start)
    elif kind in _PEAKS:
        shape = _PEAKS[kind]
    else:
        message = f"There is no model {kind}; there are {', '.join(KINDS)}."
        raise FitFailed(message)
    return _sum(shape, _polynomial_shape(order)) if background else shape


def _polynomial_shape(order: int) -> Shape:
    return Shape(
        tuple(f"c{power}" for power in range(order + 1)), polynomial, _polynomial_start(order)
    )


def _sum(peak: Shape, background: Shape) -> Shape:
    cut = len(peak.names)

    def value(x: Floats, *parameters: float) -> Floats:
        return peak.value(x, *parameters[:cut]) + background.value(x, *parameters[cut:])

    def start(x: Floats, y: Floats) -> list[float]:
        edges = max(len(x) // 5, 1)
        sides = np.r_[0:edges, len(x) - edges : len(x)]
        under = background.start(x[sides], y[sides])
        return [*peak.start(x, np.clip(y - background.value(x, *under), 0, None)), *under]

    return Shape((*peak.names, *background.names), value, start, peak.limits)


def _formula_shape(text: str) -> Shape:
    names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    if not names:
        message = "The formula has no parameter: write them as [0], [1] or [mean]."
        raise FitFailed(message)
    if all(name.isdigit() for name in names):
        names = tuple(sorted(names, key=int))
    known = {"x": 0.0, **{f"[{name.removeprefix('p')}]": 0.0 for name in names}}
    expression = parsed(text, known, parameters=True)

    def value(x: Floats, *parameters: float) -> Floats:
        columns: dict[str, Any] = {"x": x}
        for name, parameter in zip(names, parameters, strict=True):
            columns[f"[{name.removeprefix('p')}]"] = float(parameter)
        return np.broadcast_to(np.asarray(expression.value(columns), dtype=np.float64), x.shape)

    shown = tuple(f"p{name}" if name.isdigit() else name for name in names)
    return Shape(shown, value, lambda _x, _y: [1.0] * len(names))
