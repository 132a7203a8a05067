"""One line of the table of measurements."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was measured, ours and the yardstick's as text with units, and the goal."""

    what: str
    ours: str
    yardstick: str
    goal: str
    reached: bool
