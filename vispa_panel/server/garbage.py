"""Keeps Python's garbage collection from holding the event loop."""

from __future__ import annotations

import gc


def spare_the_loop() -> None:
    """Call once when everything is loaded and nobody is here yet.

    Panel collects all garbage after a page was left; looking at every object of the process was
    measured to hold the loop for 0.5 s. What was loaded at the start is passed over from here on.
    """
    gc.collect()
    gc.freeze()
