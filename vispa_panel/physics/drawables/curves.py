"""TF1 as a curve: from its formula where it can be computed, else the points stored with it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from vispa_panel.errors import ExpressionError
from vispa_panel.physics.drawables.kinds import (
    class_of,
    draws,
    floats,
    member,
    name_of,
    text,
    title_of,
)
from vispa_panel.physics.expressions import parsed
from vispa_panel.physics.values import Collection, Curve, Floats

_NAMED = {
    "gaus": "[0]*exp(-0.5*((x-[1])/[2])**2)",
    "expo": "exp([0]+[1]*x)",
}
_POLYNOMIAL = re.compile(r"pol([0-9])")


@draws("TF1", "TF2", "TF3")
def function(model: Any) -> Curve:
    """A function of x as points at the file's own number of steps."""
    low, high = float(model.member("fXmin")), float(model.member("fXmax"))
    steps = min(max(int(member(model, "fNpx", 100)), 1), 10_000)
    formula, names, values = _formula(model)
    errors = floats(member(model, "fParErrors"))
    x = np.linspace(low, high, steps + 1)
    y = _computed(formula, names, values, x)
    saved = y is None
    if y is None:
        x, y = _saved(model)
    parameters = tuple(
        (name, float(value), float(errors[index]) if index < len(errors) else 0.0)
        for index, (name, value) in enumerate(zip(names, values, strict=False))
    )
    return Curve(name_of(model), title_of(model), class_of(model), x, y, formula, parameters, saved)


def _formula(model: Any) -> tuple[str, list[str], Floats]:
    """The formula's text, its parameters' names in order, and their values."""
    formula, parameters = member(model, "fFormula"), member(model, "fParams")
    if formula is not None and hasattr(formula, "member"):
        order = dict(member(formula, "fParams", {}).items())
        names = sorted(map(str, order), key=lambda name: int(order[name]))
        return text(formula, "fFormula"), names, floats(member(formula, "fClingParameters"))
    if parameters is not None and hasattr(parameters, "member"):
        names = [str(name) for name in parameters.member("fParNames")]
        return text(model, "fTitle"), names, floats(parameters.member("fParameters"))
    values = floats(parameters)
    names = [str(name) or f"p{i}" for i, name in enumerate(member(model, "fNames", ()))]
    names += [f"p{i}" for i in range(len(names), len(values))]
    return text(model, "fTitle"), names, values


def expanded(formula: str) -> str:
    """ROOT's short names (``gaus``, ``expo``, ``pol3``) written out, where one stands alone."""
    formula = formula.strip()
    order = _POLYNOMIAL.fullmatch(formula)
    if order:
        return "+".join(f"[{power}]*x**{power}" for power in range(int(order[1]) + 1))
    return _NAMED.get(formula, formula)


def _computed(formula: str, names: list[str], values: Floats, x: Floats) -> Floats | None:
    columns: dict[str, Any] = {"x": x}
    for index, (name, value) in enumerate(zip(names, values, strict=False)):
        columns[f"[{index}]"] = columns[f"[{name.removeprefix('p')}]"] = float(value)
    try:
        found = parsed(expanded(formula), columns, parameters=True).value(columns)
    except ExpressionError:
        return None
    return np.broadcast_to(np.asarray(found, dtype=np.float64), x.shape).copy()


def _saved(model: Any) -> tuple[Floats, Floats]:
    """The points that TF1::Save stored: the values, then the range's two ends."""
    stored = floats(member(model, "fSave"))
    if stored.size < 4 or not stored[-2] < stored[-1]:  # noqa: PLR2004 - two points, two ends
        return floats(()), floats(())
    points = stored[:-2]
    return np.linspace(stored[-2], stored[-1], len(points)), points


@draws("TF1NormSum")
def norm_sum(model: Any) -> Collection:
    """A sum of functions as the functions it is made of."""
    parts = tuple(function(one) for one in member(model, "fFunctions", ()))
    return Collection("", "", class_of(model), "overlay", parts)


@draws("TF1Convolution")
def convolution(model: Any) -> Collection:
    """A convolution as the two functions it is made of."""
    parts = tuple(
        function(member(model, name))
        for name in ("fFunction1", "fFunction2")
        if member(model, name)
    )
    return Collection("", "", class_of(model), "overlay", parts)
