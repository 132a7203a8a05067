"""Background work of a component that is used alone, outside the portal."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import TYPE_CHECKING, Any

from vispa_panel.errors import PortalError

if TYPE_CHECKING:
    from collections.abc import Coroutine

_LOG = logging.getLogger(__name__)

_running: set[asyncio.Task[Any]] = set()
"""The event loop keeps only weak references to its tasks; this set keeps them alive."""


async def _told(work: Coroutine[Any, Any, Any]) -> None:
    try:
        await work
    except PortalError as error:
        _LOG.warning("%s", error.advice)


def spawn(work: Coroutine[Any, Any, Any]) -> None:
    """Start ``work`` on the running event loop; a PortalError goes to the log."""
    task = asyncio.get_running_loop().create_task(_told(work), context=contextvars.Context())
    _running.add(task)
    task.add_done_callback(_running.discard)
