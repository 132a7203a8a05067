"""Between hist's histograms and our frozen ones, so that both are drawn and fitted alike."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np

from vispa_panel.physics.values import Axis, Floats, Histogram


def from_hist(filled: hist.BaseHist[Any], *, name: str = "", title: str = "") -> Histogram:
    """A histogram made by hist, with under- and overflow (0 where it keeps none)."""
    mean = "Mean" in filled.storage_type.__name__
    weighted = filled.storage_type.__name__ in {"Weight", "WeightedMean"}
    axes = tuple(_axis(axis) for axis in filled.axes)
    values = _with_flow(filled, np.asarray(filled.values(flow=True), dtype=np.float64))
    variances = filled.variances(flow=True)
    spread = np.abs(values) if variances is None else _with_flow(filled, np.asarray(variances))
    counts = _with_flow(filled, np.asarray(filled.counts(flow=True), dtype=np.float64))
    return Histogram(
        name=name or str(filled.name or ""),
        title=title,
        class_name="TProfile" if mean else f"TH{len(axes)}D",
        axes=axes,
        contents=np.nan_to_num(values) if mean else values,
        variances=np.nan_to_num(spread),
        entries=float(counts.sum()),
        kind="mean" if mean else "count",
        value_title=str(filled.label or ""),
        weighted=weighted,
        effective=counts if mean else None,
    )


def _axis(axis: Any) -> Axis:
    if isinstance(axis, hist.axis.StrCategory | hist.axis.IntCategory):
        labels = tuple(str(axis.value(index)) for index in range(axis.size))
        return Axis(str(axis.label or ""), np.arange(axis.size + 1.0), labels)
    return Axis(str(axis.label or ""), np.asarray(axis.edges, dtype=np.float64))


def _with_flow(filled: hist.BaseHist[Any], numbers: Floats) -> Floats:
    lacking = [
        (int(not axis.traits.underflow), int(not axis.traits.overflow)) for axis in filled.axes
    ]
    return np.pad(numbers.astype(np.float64), lacking)


def to_hist(value: Histogram) -> hist.Hist[Any]:
    """A histogram of a file as one of hist: ``Double`` or ``Weight``, a profile as ``Weight``."""
    axes = []
    for name, axis in zip("xyz", value.axes, strict=False):
        even = len(axis.edges) > 1 and np.array_equal(
            axis.edges, np.linspace(axis.edges[0], axis.edges[-1], len(axis.edges))
        )
        low, high = float(axis.edges[0]), float(axis.edges[-1])
        axes.append(
            hist.axis.Regular(len(axis.edges) - 1, low, high, name=name, label=axis.title)
            if even
            else hist.axis.Variable(axis.edges, name=name, label=axis.title)
        )
    weighted = value.weighted or value.kind == "mean"
    storage: Any = hist.storage.Weight() if weighted else hist.storage.Double()
    out: hist.Hist[Any] = hist.Hist(*axes, storage=storage, name=value.name)
    if weighted:
        view: Any = out.view(flow=True)
        view.value, view.variance = value.contents, value.variances
    else:
        out.view(flow=True)[...] = value.contents
    return out
