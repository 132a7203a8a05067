"""TH1, TH2, TH3 of every precision, TProfile, TProfile2D and TProfile3D."""

from __future__ import annotations

from typing import Any

import numpy as np

from vispa_panel.errors import UnreadableData
from vispa_panel.physics.drawables.kinds import (
    class_of,
    draws,
    floats,
    member,
    name_of,
    raw_contents,
    text,
    title_of,
)
from vispa_panel.physics.values import Axis, Floats, Histogram

_AXES = ("fXaxis", "fYaxis", "fZaxis")
MOST_BINS = 1 << 26


def axis(model: Any) -> Axis:
    """A TAxis; raises UnreadableData when its edges make no sense."""
    bins = int(model.member("fNbins"))
    edges = floats(member(model, "fXbins"))
    if not 0 < bins <= MOST_BINS:
        message = "The histogram's axis has no sensible number of bins."
        raise UnreadableData(message)
    if len(edges) != bins + 1:
        edges = np.linspace(float(model.member("fXmin")), float(model.member("fXmax")), bins + 1)
    labels = {
        int(member(label, "@fUniqueID", 0)): str(label)
        for label in (member(model, "fLabels") or ())
    }
    names = tuple(labels.get(number, "") for number in range(1, bins + 1)) if labels else ()
    return Axis(text(model, "fTitle"), edges, names)


def shaped(numbers: Floats, axes: tuple[Axis, ...]) -> Floats:
    """ROOT's flat cells (x runs fastest) with one dimension an axis, in the order x, y, z."""
    lengths = [len(one.edges) + 1 for one in axes]
    if numbers.size != np.prod(lengths):
        message = "The histogram does not have as many cells as its axes say."
        raise UnreadableData(message)
    return np.ascontiguousarray(numbers.reshape(lengths[::-1]).transpose())


def _dimensions(class_name: str) -> int:
    digits = [letter for letter in class_name if letter.isdigit()]
    return int(digits[0]) if digits else 1


def _titles(model: Any, dimensions: int) -> str:
    return text(model.member(_AXES[dimensions]), "fTitle") if dimensions < len(_AXES) else ""


@draws("TH1*", "TH2*", "TH3*")
def histogram(model: Any) -> Histogram:
    """A histogram of counts; without stored sums of squares the contents are their variances."""
    dimensions = _dimensions(class_of(model))
    axes = tuple(axis(model.member(name)) for name in _AXES[:dimensions])
    contents = shaped(raw_contents(model), axes)
    squares = floats(model.member("fSumw2"))
    return Histogram(
        name=name_of(model),
        title=title_of(model),
        class_name=class_of(model),
        axes=axes,
        contents=contents,
        variances=shaped(squares, axes) if squares.size else np.abs(contents),
        entries=float(model.member("fEntries")),
        value_title=_titles(model, dimensions),
        weighted=bool(squares.size),
        option=text(model, "fOption"),
    )


@draws("TProfile*")
def profile(model: Any) -> Histogram:
    """A profile: means with the errors that its option (``s``, ``i``, ``g`` or none) asks for.

    As in TProfile::GetBinError, without the approximation for bins of one entry.
    """
    dimensions = _dimensions(class_of(model))
    axes = tuple(axis(model.member(name)) for name in _AXES[:dimensions])
    sums = shaped(raw_contents(model), axes)
    squares = shaped(floats(model.member("fSumw2")), axes)
    weights = shaped(floats(model.member("fBinEntries")), axes)
    weights_squared = floats(member(model, "fBinSumw2"))
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(weights != 0, sums / weights, 0.0)
        effective = (
            np.nan_to_num(weights**2 / shaped(weights_squared, axes))
            if weights_squared.size
            else weights
        )
        spread = np.abs(np.where(weights != 0, squares / weights, 0.0) - means**2)
        variances = _profile_variances(int(member(model, "fErrorMode", 0)), spread, effective)
    return Histogram(
        name=name_of(model),
        title=title_of(model),
        class_name=class_of(model),
        axes=axes,
        contents=means,
        variances=np.where(weights != 0, variances, 0.0),
        entries=float(model.member("fEntries")),
        kind="mean",
        value_title=_titles(model, dimensions),
        weighted=bool(weights_squared.size),
        effective=effective,
        option=text(model, "fOption"),
    )


def _profile_variances(mode: int, spread: Floats, effective: Floats) -> Floats:
    if mode == 1:  # "s": the spread itself
        return spread
    if mode == 2:  # noqa: PLR2004 - "i": integers, whose spread of 0 means a width of 1
        return np.where(spread > 0, spread / effective, 1 / (12 * effective))
    if mode == 3:  # noqa: PLR2004 - "g": weights are 1 / sigma**2
        return 1 / effective
    return spread / effective
