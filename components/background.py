"""Background work of a component that is used alone, outside the portal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import panel as pn

from vispa_panel.errors import PortalError

if TYPE_CHECKING:
    from collections.abc import Coroutine

_running: set[asyncio.Task[Any]] = set()
"""The event loop keeps only weak references to its tasks; this set keeps them alive."""


async def _told(work: Coroutine[Any, Any, Any]) -> None:
    try:
        await work
    except PortalError as error:
        if pn.state.notifications is None:
            raise
        pn.state.notifications.error(error.advice, duration=8000)


def spawn(work: Coroutine[Any, Any, Any]) -> None:
    """Start ``work`` on the running event loop; a PortalError becomes a notification."""
    task = asyncio.get_running_loop().create_task(_told(work))
    _running.add(task)
    task.add_done_callback(_running.discard)
