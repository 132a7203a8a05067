"""From uproot's objects to our frozen values, one function a kind of object.

uproot makes its classes anew for every file, so they are told apart by ROOT's class names and not
by Python's types: :func:`drawn_as` finds the function registered for the longest matching name.
"""

from vispa_panel.physics.drawables import (
    collections,  # noqa: F401 - each registers its kinds
    curves,  # noqa: F401
    efficiencies,  # noqa: F401
    graphs,  # noqa: F401
    histograms,  # noqa: F401
    plain,  # noqa: F401
)
from vispa_panel.physics.drawables.kinds import drawable

__all__ = ["drawable"]
