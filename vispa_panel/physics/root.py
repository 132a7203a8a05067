"""ROOT files in a notebook: ``from vispa_panel.physics.root import RootFile``."""

from vispa_panel.physics.filling import DrawRequest
from vispa_panel.physics.root_file import RootFile

__all__ = ["DrawRequest", "RootFile"]
