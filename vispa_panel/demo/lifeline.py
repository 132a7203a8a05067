"""Ending with the process that started this one, however that one ended.

The starter keeps the writing end of a pipe that is this process's standard input; when the starter
dies, be it by ``kill -9``, the pipe ends and so does this process. What it started ends in turn.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def end_with_starter(last_act: Callable[[], object] | None = None) -> None:
    """Watch standard input in a thread; at its end do ``last_act`` and leave at once."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        try:
            if last_act is not None:
                last_act()
        finally:
            os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
