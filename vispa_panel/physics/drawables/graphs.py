"""TGraph and its kinds with errors, TGraph2D and TMultiGraph."""

from __future__ import annotations

from typing import Any

import numpy as np

from vispa_panel.physics.drawables.collections import members_of
from vispa_panel.physics.drawables.kinds import (
    class_of,
    draws,
    floats,
    member,
    name_of,
    text,
    title_of,
)
from vispa_panel.physics.values import Collection, Floats, Graph


def _errors(model: Any, letter: str, points: int) -> Floats | None:
    """Errors below and above in one direction, of shape (2, points)."""
    both = member(model, f"fE{letter}")
    low = floats(member(model, f"fE{letter}low", both))[:points]
    high = floats(member(model, f"fE{letter}high", both))[:points]
    if low.size != points or high.size != points or not points:
        return None
    return np.abs(np.stack([low, high]))


def _multiple_errors(model: Any, points: int) -> Floats | None:
    """TGraphMultiErrors: the several errors in y added in quadrature."""
    lows = [floats(one) for one in member(model, "fEyL", ())]
    highs = [floats(one) for one in member(model, "fEyH", ())]
    if not lows or any(one.size != points for one in (*lows, *highs)):
        return None
    both = [np.sum(np.square(lows), axis=0), np.sum(np.square(highs), axis=0)]
    errors: Floats = np.sqrt(np.stack(both))
    return errors


@draws("TGraph*")
def graph(model: Any) -> Graph:
    """A graph of any kind; axis titles stand in the histogram that ROOT draws it on."""
    frame = member(model, "fHistogram")
    x, y = floats(member(model, "fX")), floats(member(model, "fY"))
    z = member(model, "fZ")
    y_errors = _errors(model, "Y", len(x))
    return Graph(
        name=name_of(model),
        title=title_of(model),
        class_name=class_of(model),
        x=x,
        y=y,
        x_errors=_errors(model, "X", len(x)),
        y_errors=_multiple_errors(model, len(x)) if y_errors is None else y_errors,
        z=None if z is None else floats(z),
        z_errors=_errors(model, "Z", len(x)),
        x_title=_axis_title(frame, "fXaxis", model, 1),
        y_title=_axis_title(frame, "fYaxis", model, 2),
        option=text(model, "fOption"),
    )


def _axis_title(frame: Any, name: str, model: Any, number: int) -> str:
    found = "" if frame is None else text(member(frame, name), "fTitle")
    behind = text(model, "fTitle").split(";")
    return found or (behind[number] if number < len(behind) else "")


@draws("TMultiGraph")
def multi_graph(model: Any) -> Collection:
    """Graphs drawn over each other."""
    parts, left_out = members_of(member(model, "fGraphs"))
    return Collection(name_of(model), title_of(model), class_of(model), "overlay", parts, left_out)
