"""What people type to draw from a tree, computed on NumPy and Awkward arrays.

It is read and checked against a list of what may stand in it; no text ever becomes Python code.
"""

from vispa_panel.physics.expressions.computing import Expression, Names, parsed

__all__ = ["Expression", "Names", "parsed"]
