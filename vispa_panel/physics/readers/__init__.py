"""Reader processes: every file of a person's is read in a process of its own, and never here."""

from vispa_panel.physics.readers.pool import ReaderPool
from vispa_panel.physics.readers.reader import RootReader

__all__ = ["ReaderPool", "RootReader"]
