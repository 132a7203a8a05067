"""The tab of a terminal: attaches when first shown, again when the connection is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn

from vispa_panel.components.terminal import Terminal
from vispa_panel.errors import NotConnected

if TYPE_CHECKING:
    from vispa_panel.pages.context import ToolContext


class TerminalTab(pn.viewable.Viewer):
    """One kept terminal, by its identifier."""

    def __init__(self, context: ToolContext, terminal_id: str) -> None:
        super().__init__()
        self._controller = context.controller
        self._id = terminal_id
        self.terminal = Terminal()
        self._controller.param.watch(self._state_changed, "state")
        self._controller.spawn(self._attach())

    def _state_changed(self, *_: object) -> None:
        if self._controller.state == "connected":
            self._controller.spawn(self._attach())

    async def _attach(self) -> None:
        try:
            stream = await self._controller.services.terminals.attach(self._id, columns=80, rows=24)
        except NotConnected:
            return  # the next "connected" attaches
        await self.terminal.reattach(stream)

    def __panel__(self) -> pn.viewable.Viewable:
        """The terminal alone."""
        return self.terminal.__panel__()
