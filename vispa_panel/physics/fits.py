"""Fits of a model to a histogram or a graph, by iminuit.

A histogram's contents are compared with the model's value at the bin's centre, in units of entries
a bin, by chi-square (with the bins' errors; empty bins without error are left out) or by Poisson
likelihood (Baker and Cousins' form, Nucl. Instr. Meth. 221 (1984) 437). A graph's errors are the
mean of those below and above.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hist
import numpy as np
from iminuit import Minuit, cost
from scipy import stats

from vispa_panel.errors import FitFailed
from vispa_panel.physics.fit_models import Shape, shape_of
from vispa_panel.physics.histograms import from_hist
from vispa_panel.physics.values import Floats, Graph, Histogram

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CURVE_POINTS = 400
MOST_CALLS = 50_000


@dataclass(frozen=True, slots=True)
class Model:
    """What is fitted.

    ``kind`` is ``gauss``, ``exponential``, ``polynomial`` (of ``order``), ``breit_wigner``,
    ``crystal_ball``, ``voigt``, or ``formula`` with its text (``[0]*exp(-[1]*x)``).

    With ``background`` a polynomial of order ``order`` is added to a peak.
    """

    kind: str
    formula: str = ""
    order: int = 1
    background: bool = False


@dataclass(frozen=True, slots=True)
class FitParameter:
    """A parameter after the fit; the error is 0 for a fixed one."""

    name: str
    value: float
    error: float
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class FitResult:
    """A fit's outcome.

    ``covariance`` and ``correlation`` of shape (parameters, parameters). ``statistic`` is the
    chi-square, or twice the likelihood ratio's logarithm; ``degrees`` of freedom; ``probability``
    of a larger statistic. ``x``, ``y``, ``low`` and ``high`` are the curve and its band of one
    standard deviation, of shape (400,). ``centers`` and ``pulls``, of shape (points,), are the
    fitted points and (data - model) / error. ``range`` is what was fitted.
    """

    model: Model
    parameters: tuple[FitParameter, ...]
    covariance: Floats
    correlation: Floats
    statistic: float
    degrees: int
    probability: float
    method: str
    valid: bool
    message: str
    x: Floats
    y: Floats
    low: Floats
    high: Floats
    centers: Floats
    pulls: Floats
    range: tuple[float, float]


@dataclass(slots=True)
class _Data:
    """Points to fit: centre, content, error, and the span of all."""

    x: Floats
    y: Floats
    errors: Floats
    counts: bool
    low: float
    high: float
    scale: float = field(default=1.0)


def fit(
    data: hist.Hist[Any] | Histogram | Graph,
    model: Model,
    *,
    range: tuple[float, float] | None = None,  # noqa: A002 - NumPy's word for it
    method: str = "chi2",
    start: Mapping[str, float] | None = None,
    fixed: Collection[str] = (),
) -> FitResult:
    """Fit ``model``; ``start`` values may be given by name, and the ``fixed`` ones stay there.

    ``method`` is ``"chi2"`` or ``"likelihood"`` (for counts only). Raises FitFailed and, for a
    formula, ExpressionError.
    """
    points = _within(_points(data), range)
    shape = shape_of(
        model.kind, formula=model.formula, order=model.order, background=model.background
    )
    if len(points.x) < len(shape.names) - len(set(fixed) & set(shape.names)):
        message = f"There are only {len(points.x)} points in the range: too few for this model."
        raise FitFailed(message)
    if method not in {"chi2", "likelihood"} or (method == "likelihood" and not points.counts):
        message = "A likelihood fit needs a histogram of counts; use chi-square."
        raise FitFailed(message)
    minuit = _minimized(points, shape, method, dict(start or {}), set(fixed))
    return _result(points, shape, model, method, minuit)


def _points(data: hist.Hist[Any] | Histogram | Graph) -> _Data:
    if isinstance(data, Graph):
        errors = np.ones_like(data.y) if data.y_errors is None else data.y_errors.mean(axis=0)
        low, high = (float(data.x.min()), float(data.x.max())) if len(data.x) else (0.0, 1.0)
        return _Data(data.x, data.y, errors, counts=False, low=low, high=high)
    value = from_hist(data) if isinstance(data, hist.BaseHist) else data
    if len(value.axes) != 1:
        message = "Only histograms of one axis and graphs can be fitted."
        raise FitFailed(message)
    edges = value.axes[0].edges
    return _Data(
        (edges[1:] + edges[:-1]) / 2,
        value.values,
        value.errors,
        counts=value.kind == "count" and not value.weighted,
        low=float(edges[0]),
        high=float(edges[-1]),
    )


def _within(data: _Data, wanted: tuple[float, float] | None) -> _Data:
    low, high = wanted or (data.low, data.high)
    inside = (data.x >= low) & (data.x <= high) & np.isfinite(data.y) & np.isfinite(data.errors)
    if not inside.any():
        message = "There is nothing in the range to fit."
        raise FitFailed(message)
    return _Data(
        data.x[inside], data.y[inside], data.errors[inside], data.counts, float(low), float(high)
    )


def _minimized(
    data: _Data, shape: Shape, method: str, start: dict[str, float], fixed: set[str]
) -> Minuit:
    begin = [start.get(name, value) for name, value in
             zip(shape.names, shape.start(data.x, data.y), strict=True)]  # fmt: skip
    target = _likelihood(data, shape) if method == "likelihood" else _chi_square(data, shape)
    minuit = Minuit(target, *begin, name=shape.names)
    for name, limits in shape.limits.items():
        minuit.limits[name] = limits
    for name in fixed & set(shape.names):
        minuit.fixed[name] = True
    try:
        with np.errstate(all="ignore"):
            minuit.strategy = 1
            minuit.migrad(ncall=MOST_CALLS)
            minuit.hesse()
    except (RuntimeError, ValueError, ArithmeticError) as error:
        message = f"The fit does not settle: {error}."
        raise FitFailed(message) from error
    return minuit


def _chi_square(data: _Data, shape: Shape) -> cost.LeastSquares:
    known = data.errors > 0
    if not known.any():
        message = "No point in the range has an error: there is nothing to weigh by."
        raise FitFailed(message)
    return cost.LeastSquares(
        data.x[known], data.y[known], data.errors[known], shape.value, name=shape.names
    )


def _likelihood(data: _Data, shape: Shape) -> Any:
    def twice_log_ratio(*parameters: float) -> float:
        expected = np.maximum(shape.value(data.x, *parameters), 1e-300)
        seen = data.y
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(seen > 0, seen * np.log(seen / expected), 0.0)
        return float(2 * np.sum(expected - seen + logs))

    twice_log_ratio.errordef = Minuit.LEAST_SQUARES  # type: ignore[attr-defined]  # iminuit's way
    return twice_log_ratio


def _result(data: _Data, shape: Shape, model: Model, method: str, minuit: Minuit) -> FitResult:
    values = np.array(minuit.values)
    size = len(values)
    covariance = (
        np.zeros((size, size)) if minuit.covariance is None else np.array(minuit.covariance)
    )
    widths = np.sqrt(np.clip(np.diag(covariance), 0, None))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.nan_to_num(covariance / np.outer(widths, widths))
    x = np.linspace(data.low, data.high, CURVE_POINTS)
    y = shape.value(x, *values)
    band = _band(shape, x, values, covariance)
    model_errors = (
        data.errors
        if method == "chi2"
        else np.sqrt(np.clip(shape.value(data.x, *values), 1e-300, None))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        pulls = np.where(
            model_errors > 0, (data.y - shape.value(data.x, *values)) / model_errors, 0.0
        )
    used = len(data.x) if method == "likelihood" else int(np.count_nonzero(data.errors > 0))
    degrees = used - int(np.count_nonzero(~np.array(minuit.fixed)))
    statistic = float(minuit.fval or 0.0)
    valid = bool(minuit.valid and minuit.accurate)
    return FitResult(
        model=model,
        parameters=tuple(
            FitParameter(name, float(value), 0.0 if fixed else float(error), bool(fixed))
            for name, value, error, fixed in zip(
                shape.names, minuit.values, minuit.errors, minuit.fixed, strict=True
            )
        ),
        covariance=covariance,
        correlation=correlation,
        statistic=statistic,
        degrees=degrees,
        probability=float(stats.chi2.sf(statistic, degrees)) if degrees > 0 else 1.0,
        method=method,
        valid=valid,
        message="" if valid else "The fit did not settle; try other start values or a range.",
        x=x, y=y, low=y - band, high=y + band,
        centers=data.x, pulls=pulls, range=(data.low, data.high),
    )  # fmt: skip


def _band(shape: Shape, x: Floats, values: Floats, covariance: Floats) -> Floats:
    """One standard deviation of the curve, by the parameters' covariance carried on linearly."""
    slopes = np.zeros((len(values), len(x)))
    widths = np.sqrt(np.clip(np.diag(covariance), 0, None))
    for index, width in enumerate(widths):
        step = width * 1e-3 or abs(values[index]) * 1e-6
        if width > 0 and step > 0:
            up, down = values.copy(), values.copy()
            up[index] += step
            down[index] -= step
            slopes[index] = (shape.value(x, *up) - shape.value(x, *down)) / (2 * step)
    variance = np.einsum("ix,ij,jx->x", slopes, covariance, slopes)
    band: Floats = np.sqrt(np.clip(np.nan_to_num(variance), 0, None))
    return band
