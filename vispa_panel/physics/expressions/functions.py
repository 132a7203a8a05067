"""The functions that may stand in an expression, and nothing else.

Elementwise ones keep the shape. Reducing ones (``max(jet_pt)``, ``sum``, ``count``, ``any``, ...)
with one argument make one value of each entry's many; an entry that has none is left out of
``max``, ``min``, ``mean`` and ``first``, and counts as 0 in ``sum`` and ``count``.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def _is_many(value: Any) -> bool:
    return isinstance(value, ak.Array) and value.ndim > 1


def _reducing(reducer: Callable[..., Any]) -> Callable[[Any], Any]:
    def reduced(value: Any) -> Any:
        return reducer(value, axis=-1) if _is_many(value) else value

    return reduced


def _count(value: Any) -> Any:
    if _is_many(value):
        return ak.num(value, axis=-1)
    return np.ones(len(value), dtype=np.int64) if np.ndim(value) else 1


def _first(value: Any) -> Any:
    return ak.firsts(value, axis=-1) if _is_many(value) else value


def _any(value: Any) -> Any:
    return ak.any(value, axis=-1) if _is_many(value) else value != 0


def _all(value: Any) -> Any:
    return ak.all(value, axis=-1) if _is_many(value) else value != 0


def _extreme(reducer: Callable[..., Any], pairwise: Any) -> Callable[..., Any]:
    alone = _reducing(reducer)

    def extreme(*values: Any) -> Any:
        return alone(values[0]) if len(values) == 1 else reduce(pairwise, values)

    return extreme


def _where(condition: Any, yes: Any, no: Any) -> Any:
    if any(isinstance(value, ak.Array) for value in (condition, yes, no)):
        condition, yes, no = ak.broadcast_arrays(condition, yes, no)
        return ak.where(condition != 0, yes, no)
    return np.where(np.asarray(condition) != 0, yes, no)


def delta_phi(phi_1: Any, phi_2: Any) -> Any:
    """The angle between two azimuths, from -pi to pi."""
    return np.remainder(phi_1 - phi_2 + np.pi, 2 * np.pi) - np.pi


def delta_r(eta_1: Any, phi_1: Any, eta_2: Any, phi_2: Any) -> Any:
    """The distance in pseudorapidity and azimuth."""
    return np.hypot(eta_1 - eta_2, delta_phi(phi_1, phi_2))


def _breit_wigner(x: Any, mean: Any = 0.0, width: Any = 1.0) -> Any:
    return width / (2 * np.pi) / ((x - mean) ** 2 + width**2 / 4)


def _gauss(x: Any, mean: Any = 0.0, sigma: Any = 1.0) -> Any:
    return np.exp(-0.5 * ((x - mean) / sigma) ** 2)


def _isnan(value: Any) -> Any:
    return np.isnan(value)


MATHEMATICAL: dict[str, tuple[Callable[..., Any], int, int]] = {
    "sqrt": (np.sqrt, 1, 1),
    "cbrt": (np.cbrt, 1, 1),
    "abs": (np.abs, 1, 1),
    "fabs": (np.abs, 1, 1),
    "exp": (np.exp, 1, 1),
    "log": (np.log, 1, 1),
    "log2": (np.log2, 1, 1),
    "log10": (np.log10, 1, 1),
    "sin": (np.sin, 1, 1),
    "cos": (np.cos, 1, 1),
    "tan": (np.tan, 1, 1),
    "asin": (np.arcsin, 1, 1),
    "acos": (np.arccos, 1, 1),
    "atan": (np.arctan, 1, 1),
    "atan2": (np.arctan2, 2, 2),
    "sinh": (np.sinh, 1, 1),
    "cosh": (np.cosh, 1, 1),
    "tanh": (np.tanh, 1, 1),
    "asinh": (np.arcsinh, 1, 1),
    "acosh": (np.arccosh, 1, 1),
    "atanh": (np.arctanh, 1, 1),
    "hypot": (np.hypot, 2, 2),
    "pow": (np.float_power, 2, 2),
    "sq": (np.square, 1, 1),
    "floor": (np.floor, 1, 1),
    "ceil": (np.ceil, 1, 1),
    "round": (np.rint, 1, 1),
    "int": (np.trunc, 1, 1),
    "sign": (np.sign, 1, 1),
    "fmod": (np.fmod, 2, 2),
    "isnan": (_isnan, 1, 1),
    "where": (_where, 3, 3),
    "deltaphi": (delta_phi, 2, 2),
    "deltar": (delta_r, 4, 4),
    "breitwigner": (_breit_wigner, 1, 3),
    "gaus": (_gauss, 1, 3),
}
"""Name (lower case) to the function, and how few and how many arguments it takes."""

REDUCING: dict[str, tuple[Callable[..., Any], int, int]] = {
    "max": (_extreme(ak.max, np.maximum), 1, 8),
    "min": (_extreme(ak.min, np.minimum), 1, 8),
    "sum": (_reducing(ak.sum), 1, 1),
    "mean": (_reducing(ak.mean), 1, 1),
    "count": (_count, 1, 1),
    "len": (_count, 1, 1),
    "length": (_count, 1, 1),
    "any": (_any, 1, 1),
    "all": (_all, 1, 1),
    "first": (_first, 1, 1),
}

CONSTANTS = {"pi": np.pi, "e": np.e, "nan": np.nan, "inf": np.inf}


def function_named(name: str) -> tuple[Callable[..., Any], int, int] | None:
    """The function of a name as people write it: ``sqrt``, ``TMath::Sqrt``, ``Max$``."""
    short = name.removeprefix("TMath::").removeprefix("std::").removeprefix("np.").removesuffix("$")
    short = short.lower()
    short = {"maxif": "", "power": "pow", "arctan2": "atan2"}.get(short, short)
    return MATHEMATICAL.get(short) or REDUCING.get(short)


def constant_named(name: str) -> float | None:
    """The constant of a name: ``pi``, ``TMath::Pi`` (as a call), ``e``."""
    if name in {"TMath::Pi", "TMath::E"}:
        return float(CONSTANTS[name.removeprefix("TMath::").lower()])
    return CONSTANTS.get(name)
