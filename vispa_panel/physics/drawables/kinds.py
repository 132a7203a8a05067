"""Which function makes a value of which ROOT class, and what they all need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from vispa_panel.physics.uproot_door import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.physics.values import Drawable, Floats

Maker: TypeAlias = "Callable[[Any], Drawable]"
DEEPEST = 12
"""How deep collections may stand in each other."""

_MAKERS: dict[str, Maker] = {}


def draws(*class_names: str) -> Callable[[Maker], Maker]:
    """Register a function for ROOT classes; a name with a ``*`` at its end is a beginning."""

    def register(maker: Maker) -> Maker:
        _MAKERS.update(dict.fromkeys(class_names, maker))
        return maker

    return register


def maker_of(class_name: str) -> Maker:
    """The function for a class: its own, else of the longest beginning (``*`` is for any)."""
    if class_name in _MAKERS:
        return _MAKERS[class_name]
    fitting = [name for name in _MAKERS if name.endswith("*") and class_name.startswith(name[:-1])]
    return _MAKERS[max(fitting, key=len)]


def drawable(model: Any) -> Drawable:
    """The value of an object read by uproot; raises UnreadableData."""
    with told(class_of(model)):
        return maker_of(class_of(model))(model)


def class_of(model: Any) -> str:
    """ROOT's name of an object's class."""
    return str(getattr(model, "classname", type(model).__name__))


def member(model: Any, name: str, default: Any = None) -> Any:
    """A member of the object or its bases."""
    if hasattr(model, "has_member") and model.has_member(name):
        return model.member(name)
    return default


def text(model: Any, name: str) -> str:
    """A member as text."""
    value = member(model, name)
    return "" if value is None else str(value)


def name_of(model: Any) -> str:
    """What the object is called."""
    return text(model, "fName")


def title_of(model: Any) -> str:
    """The object's title, without the axis titles that ROOT lets stand behind semicolons."""
    return text(model, "fTitle").partition(";")[0]


def floats(value: Any) -> Floats:
    """Any sequence of numbers as float64."""
    return np.asarray([] if value is None else value, dtype=np.float64)


def raw_contents(model: Any) -> Floats:
    """The numbers of a TArray among an object's bases."""
    for base in getattr(model, "bases", ()):
        if class_of(base).startswith("TArray"):
            return floats(base)
        found = raw_contents(base)
        if len(found):
            return found
    return floats(())
