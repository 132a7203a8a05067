"""What holds other objects: THStack, TCanvas and pads, TList and its like, TMap."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from vispa_panel.errors import UnreadableData
from vispa_panel.physics.drawables.kinds import (
    DEEPEST,
    class_of,
    drawable,
    draws,
    member,
    name_of,
    title_of,
)
from vispa_panel.physics.values import Collection, Values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vispa_panel.physics.values import Drawable

_FURNITURE = frozenset(
    {"TFrame", "TPaveText", "TPaveStats", "TPaveLabel", "TLegend", "TLine", "TBox", "TExec",
     "TPaletteAxis", "TArrow", "TGaxis", "TStyle", "TLegendEntry"}
)  # fmt: skip
"""What decorates a canvas and holds no data."""

_depth: ContextVar[int] = ContextVar("depth", default=0)


def members_of(items: Iterable[Any] | None) -> tuple[tuple[Drawable, ...], tuple[str, ...]]:
    """The values of the items that have one, and one sentence for each that has none."""
    parts: list[Drawable] = []
    left_out: list[str] = []
    if _depth.get() >= DEEPEST:
        return (), ("What stands deeper is not shown.",)
    token = _depth.set(_depth.get() + 1)
    try:
        for item in items or ():
            if item is None or class_of(item) in _FURNITURE:
                continue
            try:
                parts.append(drawable(item))
            except UnreadableData as error:
                left_out.append(str(error))
    finally:
        _depth.reset(token)
    return tuple(parts), tuple(left_out)


@draws("THStack")
def stack(model: Any) -> Collection:
    """Histograms to add up."""
    parts, left_out = members_of(member(model, "fHists"))
    return Collection(name_of(model), title_of(model), class_of(model), "stack", parts, left_out)


@draws("TCanvas", "TPad")
def canvas(model: Any) -> Collection:
    """The drawable parts of a pad; pads within it make it a page of pads."""
    pad = model.bases[0] if class_of(model) == "TCanvas" else model
    parts, left_out = members_of(member(pad, "fPrimitives"))
    inner = any(isinstance(part, Collection) and part.class_name == "TPad" for part in parts)
    kind = "pads" if inner else "overlay"
    return Collection(name_of(pad), title_of(pad), class_of(model), kind, parts, left_out)


@draws("TList", "THashList", "TObjArray", "TClonesArray", "TSeqCollection", "TOrdCollection")
def listing(model: Any) -> Collection | Values:
    """A list of objects; a list of texts is shown as text."""
    items = list(model)
    if items and all(class_of(item) in {"TObjString", "TNamed"} for item in items):
        rows = tuple((name_of(item) or str(i), _text(item)) for i, item in enumerate(items))
        return Values(name_of(model), "", class_of(model), rows)
    parts, left_out = members_of(items)
    return Collection(name_of(model), "", class_of(model), "list", parts, left_out)


@draws("TMap")
def mapping(model: Any) -> Values:
    """Pairs of a key and a value."""
    rows = tuple((_text(key), _text(value)) for key, value in model.items())
    return Values(name_of(model), "", class_of(model), rows)


def _text(item: Any) -> str:
    return title_of(item) if class_of(item) == "TNamed" else str(item)
