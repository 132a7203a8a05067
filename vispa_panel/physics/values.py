"""What a ROOT file holds, as frozen values that a view draws and a reader process sends.

Arrays are NumPy arrays. Titles are as in the file, in ROOT's own TLatex (``#pi^{0}``);
:func:`vispa_panel.physics.tlatex.to_latex` turns them into LaTeX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One key of a file.

    ``path`` is from the file's root without the cycle, ``cycle`` ROOT's number of the version
    (a higher one is newer), ``entries`` the number of entries of a tree or ntuple (None for other
    classes, or when it was not asked for), ``size`` in bytes as stored.
    """

    path: str
    cycle: int
    class_name: str
    title: str
    entries: int | None = None
    size: int = 0

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_folder(self) -> bool:
        """Whether other objects stand below."""
        return self.class_name in {"TDirectory", "TDirectoryFile"}

    @property
    def is_tree(self) -> bool:
        """Whether there are entries to draw from."""
        return self.class_name in TREES


TREES = frozenset(
    {"TTree", "TNtuple", "TNtupleD", "TChain", "ROOT::RNTuple", "ROOT::Experimental::RNTuple"}
)


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Some of the keys of a folder (``start`` the first one's index), and how many there are."""

    records: tuple[ObjectRecord, ...]
    start: int
    total: int


@dataclass(frozen=True, slots=True)
class Axis:
    """A binned axis: ``edges`` of shape (bins + 1,); ``labels`` one a bin, or empty."""

    title: str
    edges: Floats
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """TH1, TH2, TH3, TProfile, TProfile2D or TProfile3D.

    ``contents`` and ``variances`` have one dimension an axis, in the order x, y, z, each of length
    bins + 2: index 0 is the underflow, -1 the overflow. ``kind`` is ``"count"`` (contents are sums
    of weights, variances the sums of their squares) or ``"mean"`` (contents are means, variances
    the squared errors of the means as ROOT's option says). ``entries`` is fEntries, ``weighted``
    whether the file holds sums of squares. ``effective`` are the (effective) entries of each bin
    of a profile, None for a histogram.
    """

    name: str
    title: str
    class_name: str
    axes: tuple[Axis, ...]
    contents: Floats
    variances: Floats
    entries: float
    kind: str = "count"
    value_title: str = ""
    weighted: bool = False
    effective: Floats | None = None
    option: str = ""

    @property
    def values(self) -> Floats:
        """The contents without under- and overflow."""
        return self.contents[(slice(1, -1),) * len(self.axes)]

    @property
    def errors(self) -> Floats:
        """The standard errors of :attr:`values`."""
        inner: Floats = self.variances[(slice(1, -1),) * len(self.axes)]
        return np.sqrt(inner)


@dataclass(frozen=True, slots=True)
class Graph:
    """TGraph, TGraphErrors, TGraphAsymmErrors, TGraphMultiErrors, TGraph2D: points with errors.

    ``x`` and ``y`` of shape (points,), ``z`` as well for TGraph2D. Errors are None or of shape
    (2, points): below, above, both positive.
    """

    name: str
    title: str
    class_name: str
    x: Floats
    y: Floats
    x_errors: Floats | None = None
    y_errors: Floats | None = None
    z: Floats | None = None
    z_errors: Floats | None = None
    x_title: str = ""
    y_title: str = ""
    option: str = ""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """TEfficiency of one axis or more: passed over total with Clopper-Pearson errors.

    ``passed`` and ``total`` are the histograms; ``values``, ``low`` and ``high`` have the shape of
    their bins without under- and overflow: the fraction (NaN where total is 0) and the ends of the
    interval at ``confidence`` (0.683 unless the file says otherwise).
    """

    name: str
    title: str
    passed: Histogram
    total: Histogram
    values: Floats
    low: Floats
    high: Floats
    confidence: float


@dataclass(frozen=True, slots=True)
class Curve:
    """TF1 as points: ``x`` and ``y`` of shape (points,); ``formula`` as in the file.

    ``parameters`` are (name, value, error). ``saved`` tells that the points are the ones stored in
    the file, not computed from the formula.
    """

    name: str
    title: str
    class_name: str
    x: Floats
    y: Floats
    formula: str = ""
    parameters: tuple[tuple[str, float, float], ...] = ()
    saved: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """THStack, TMultiGraph, TCanvas, TPad, TList and others: their parts in order.

    ``kind`` is ``"stack"`` (add up), ``"overlay"`` (draw over each other), ``"pads"`` (each part is
    a pad of its own) or ``"list"``. ``left_out`` says in one sentence each what could not be read.
    """

    name: str
    title: str
    class_name: str
    kind: str
    parts: tuple[Drawable, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    """What is shown as text: rows of (name, value), values as text, numbers or arrays."""

    name: str
    title: str
    class_name: str
    rows: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One column of a tree.

    ``type_name`` is C++'s name of the type; ``is_jagged`` tells that an entry holds any number of
    values; ``is_drawable`` that it can stand in an expression; ``size`` is in bytes as stored.
    """

    name: str
    title: str
    type_name: str
    is_jagged: bool = False
    is_drawable: bool = True
    size: int = 0


@dataclass(frozen=True, slots=True)
class Tree:
    """TTree, TNtuple, TChain or RNTuple: its columns and the number of its entries."""

    name: str
    title: str
    class_name: str
    entries: int
    branches: tuple[Branch, ...]


Drawable: TypeAlias = Histogram | Graph | Efficiency | Curve | Collection | Values | Tree
