"""Values that are computed from a point's other values.

simpleeval does it: small, kept up for years, an interpreter of Python's own syntax tree that knows
only what it is given. numexpr compiles what it gets with ``eval``, and asteval offers statements,
loops and NumPy, far more than a formula needs. It gets no names but the point's values, no strings
to blow up, and powers of floating-point numbers only, so that nothing runs long.
"""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any

import simpleeval

from vispa_panel.errors import JobRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST = 500
"""Characters of one formula."""

LARGEST = 1e15
"""Whole numbers beyond it are computed as floating-point numbers."""


def _bounded(work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compute(left: object, right: object) -> object:
        if not all(isinstance(one, int | float) for one in (left, right)):
            message = "Only numbers can be computed with."
            raise TypeError(message)
        small = all(abs(one) < LARGEST for one in (left, right))  # type: ignore[arg-type]
        if small and work is not operator.pow:
            return work(left, right)
        return work(float(left), float(right))  # type: ignore[arg-type]

    return compute


_OPERATORS: dict[type, Any] = {
    ast.Add: _bounded(operator.add),
    ast.Sub: _bounded(operator.sub),
    ast.Mult: _bounded(operator.mul),
    ast.Div: _bounded(operator.truediv),
    ast.FloorDiv: _bounded(operator.floordiv),
    ast.Mod: _bounded(operator.mod),
    ast.Pow: _bounded(operator.pow),
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "log10", "log2", "floor")},
    **{name: getattr(math, name) for name in ("ceil", "sin", "cos", "tan", "atan2", "hypot")},
    "abs": abs,
    "min": min,
    "max": max,
    "round": round,
    "int": int,
    "float": float,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}


class Formula:
    """One formula, checked once and computed for many points."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._engine = simpleeval.SimpleEval(operators=_OPERATORS, functions=_FUNCTIONS)
        if len(text) > LONGEST:
            message = f"The formula of {name} is longer than {LONGEST} characters."
            raise JobRefused(message)
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            message = f"The formula of {name} cannot be read."
            raise JobRefused(message) from error

    def value(self, values: Mapping[str, str]) -> str:
        """What it gives for a point; raises JobRefused."""
        self._engine.names = _CONSTANTS | {name: _number(one) for name, one in values.items()}
        try:
            found = self._engine.eval(self.text, previously_parsed=self._tree)
        except simpleeval.NameNotDefined as error:
            message = (
                f"The formula of {self.name} names {str(error.name)[:40]!r}, which is no value."
            )
            raise JobRefused(message) from error
        except (
            simpleeval.InvalidExpression,
            ArithmeticError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            RecursionError,
        ) as error:
            message = f"The formula of {self.name} cannot be computed: {str(error)[:200]}"
            raise JobRefused(message.rstrip(".") + ".") from error
        if isinstance(found, bool):
            return str(int(found))
        if isinstance(found, int) and abs(found) < LARGEST:
            return str(found)
        if isinstance(found, int | float) and math.isfinite(found):
            return f"{found:.12g}"
        if isinstance(found, str):
            return found
        message = f"The formula of {self.name} gives no number."
        raise JobRefused(message)


def _number(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
