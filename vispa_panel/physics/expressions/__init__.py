"""What people type to draw from a tree: read, checked against a list of what may stand in it,
and computed on NumPy and Awkward arrays. No text ever becomes Python code.
"""

from vispa_panel.physics.expressions.computing import Expression, Names, parsed

__all__ = ["Expression", "Names", "parsed"]
