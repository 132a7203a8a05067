"""Work that goes on beside a page, and the short messages that come of it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import param

from vispa_panel.errors import PortalError

if TYPE_CHECKING:
    from collections.abc import Coroutine

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """A short message for the person: ``level`` is info, success, warning or error."""

    level: str
    text: str


class Background(param.Parameterized):
    """Runs coroutines of one browser session; what goes wrong in them becomes a notice."""

    notice: Notice | None = param.ClassSelector(
        class_=Notice, allow_None=True, doc="The newest message."
    )  # type: ignore[assignment]

    def __init__(self, **params: Any) -> None:  # noqa: ANN401 - param's
        super().__init__(**params)
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, level: str, text: str) -> None:
        """Show a short message."""
        self.notice = Notice(level=level, text=text)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background; what goes wrong is told to the person.

        The work belongs to no request: it runs in a context of its own, so that views send what
        it changes in their own time.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._guarded(work), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PortalError as error:
            self.tell("error", error.advice)
        except Exception:  # noqa: BLE001 - the edge of background work: a fault becomes a message
            _LOG.exception("background work failed")
            self.tell("error", "Something went wrong in the portal; it has been written down.")

    async def rest(self) -> None:
        """Wait until nothing goes on, with what that work spawns in turn."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def end_work(self) -> None:
        """Cancel what still goes on and wait until it has ended."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
