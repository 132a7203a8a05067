"""One side's tabs: kept in step with the controller, each built when it is first shown."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

if TYPE_CHECKING:
    import param

    from vispa_panel.pages.context import ToolContext
    from vispa_panel.workspace.open_tabs import Side, Tab


class TabGroup(pn.viewable.Viewer):
    """Draws the tabs of one side of ``context.controller.tabs``; holds no state of its own.

    The controller's tabs are the truth: a click or a closing cross here becomes an action there,
    and what changes there is drawn here.
    """

    def __init__(self, context: ToolContext, side: Side) -> None:
        super().__init__()
        self._context = context
        self._controller = context.controller
        self._side: Side = side
        self._shown: dict[tuple[str, str], pmui.Column] = {}
        self._order: list[Tab] = []
        self._drawing = False
        self._tabs = pmui.Tabs(closable=True, sizing_mode="stretch_both", margin=0)
        self._tabs.param.watch(self._chosen, "active")
        self._tabs.param.watch(self._removed, "objects")
        self._controller.param.watch(self._draw, "tabs")
        self._draw()

    def _draw(self, *_: object) -> None:
        state = self._controller.tabs
        wanted = list(state.on(self._side))
        keys = {tab.key for tab in wanted}
        self._shown = {key: one for key, one in self._shown.items() if key in keys}
        for tab in wanted:
            if tab.key not in self._shown:
                self._shown[tab.key] = pmui.Column(sizing_mode="stretch_both", margin=0)
        front = state.active_on(self._side)
        if front is not None and not self._shown[front.key].objects:
            self._shown[front.key].append(self._build(front))
        self._drawing = True
        try:
            if wanted != self._order:
                self._order = wanted
                self._tabs[:] = [(self._title(tab), self._shown[tab.key]) for tab in wanted]
            if front is not None:
                self._tabs.active = wanted.index(front)
        finally:
            self._drawing = False

    def _title(self, tab: Tab) -> str:
        tool = self._controller.registry.get(tab.tool)
        title = tool.title(self._controller, tab.target) if tool is not None else tab.tool
        # Panel draws a tab's title as HTML; a file's name is only ever text.
        return html.escape(title)

    def _build(self, tab: Tab) -> pn.viewable.Viewable | pn.viewable.Viewer:
        tool = self._controller.registry.get(tab.tool)
        if tool is None:
            return pmui.Typography("The tool that showed this tab is not installed any more.")
        # A tab that is built in the background belongs to no document whose theme it could ask for.
        with pn.config.set(theme="dark" if self._context.dark else "default"):
            view: pn.viewable.Viewer = tool.build(self._context, tab.target)
        return view

    def _chosen(self, event: param.parameterized.Event) -> None:
        if not self._drawing and 0 <= event.new < len(self._order):
            self._controller.activate(self._order[event.new])

    def _removed(self, *_: object) -> None:
        if self._drawing:
            return
        left = {id(one) for one in self._tabs.objects}
        for tab in list(self._order):
            if id(self._shown[tab.key]) not in left:
                self._order.remove(tab)
                self._controller.spawn(self._controller.close_tab(tab))

    def __panel__(self) -> pn.viewable.Viewable:
        """The tabs."""
        return self._tabs
