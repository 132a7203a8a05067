"""What is shown as text: parameters, matrices, strings, and any class by its streamer's members."""

from __future__ import annotations

from typing import Any

import numpy as np

from vispa_panel.errors import UnreadableData
from vispa_panel.physics.drawables.kinds import class_of, draws, floats, member, name_of, title_of
from vispa_panel.physics.values import Values

MOST_ROWS = 1000
_HIDDEN = {"@fUniqueID", "@fBits", "@instance_version", "@num_bytes"}


@draws("TParameter*")
def parameter(model: Any) -> Values:
    """One named number."""
    return Values(name_of(model), "", class_of(model), (("value", model.member("fVal")),))


@draws("TObjString", "TString", "string", "std::string")
def string(model: Any) -> Values:
    """A text."""
    return Values("", "", class_of(model), (("text", str(model)),))


@draws("TNamed")
def named(model: Any) -> Values:
    """A name with a text as its title."""
    rows = (("name", name_of(model)), ("title", title_of(model)))
    return Values(name_of(model), title_of(model), class_of(model), rows)


@draws("TMatrixT*", "TVectorT*")
def matrix(model: Any) -> Values:
    """Numbers of shape (rows, columns); of a symmetric matrix ROOT stores the upper half."""
    elements = floats(member(model, "fElements"))
    rows, columns = int(member(model, "fNrows", len(elements))), int(member(model, "fNcols", 1))
    if elements.size == rows * columns:
        elements = elements.reshape(rows, columns)
    elif elements.size == rows * (rows + 1) // 2 and rows == columns:
        full = np.zeros((rows, rows))
        full[np.triu_indices(rows)] = elements
        elements = full + np.triu(full, 1).T
    return Values(name_of(model), "", class_of(model), (("elements", elements),))


@draws("*")
def anything(model: Any) -> Values:
    """The members that the file's own description names; raises UnreadableData without one."""
    try:
        members: dict[str, Any] = dict(model.all_members)
    except (AttributeError, TypeError):
        return Values("", "", class_of(model), (("value", _shown(model)),))
    if not members and type(model).__name__.startswith("Unknown"):
        message = f"The file does not describe its class {class_of(model)}, so it cannot be read."
        raise UnreadableData(message)
    rows = tuple(
        (name.lstrip("@"), _shown(value)) for name, value in members.items() if name not in _HIDDEN
    )
    return Values(name_of(model), title_of(model), class_of(model), rows[:MOST_ROWS])


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufUSMm":
        return value
    short = str(value).replace("\n", " ")
    if hasattr(value, "all_members"):
        inner = ", ".join(f"{name}={inner!s:.40}" for name, inner in value.all_members.items())
        short = f"{class_of(value)}({inner})"
    return short[:400]
