"""The bar at the top: which workspace, how it is connected, who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from vispa_panel.components.style import sheet

if TYPE_CHECKING:
    from collections.abc import Callable

    import param

    from vispa_panel.workspace.controller import WorkspaceController

STATE_COLOURS = {
    "connected": "success",
    "connecting": "primary",
    "reconnecting": "warning",
    "failed": "error",
    "closed": "default",
}

SIGN_OUT = (
    '<form method="post" action="/sign-out"><button type="submit" class="sign-out">'
    "Sign out</button></form>"
)
NARROW = "@media (max-width: 700px)"


class AppBar(pn.viewable.Viewer):
    """Bound to the controller; ``deeds`` are what the user menu offers: (label, icon, action)."""

    def __init__(
        self,
        controller: WorkspaceController,
        *,
        user_name: str,
        deeds: Callable[[], list[tuple[str, str, Callable[[], None]]]],
    ) -> None:
        super().__init__()
        self._controller = controller
        self._deeds = deeds
        self._switcher = pmui.Select(
            label="Workspace",
            size="small",
            width=None,
            margin=(4, 8),
            sx={"width": "190px", NARROW: {"width": "100px"}},
        )
        self._state = pmui.Chip(label="", size="small", variant="outlined", margin=(10, 4))
        # On a phone its icon stands for the menu; the name is in its label still.
        icon_alone = {"minWidth": "44px", "fontSize": 0, "& *": {"fontSize": "20px", "margin": 0}}
        self._menu = pmui.MenuButton(
            label=user_name,
            icon="account_circle",
            variant="text",
            size="small",
            margin=(6, 4),
            sx={"color": "inherit", NARROW: icon_alone},
        )
        self._menu.on_click(self._chosen)  # type: ignore[arg-type]  # it gets the item
        sign_out = pn.pane.HTML(SIGN_OUT, margin=(6, 8), stylesheets=[sheet("workspace")])
        self._bar = pmui.Row(
            self._switcher,
            self._state,
            pn.Spacer(sizing_mode="stretch_width"),
            self._menu,
            sign_out,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._show_choices()
        self._show_state()
        self._switcher.param.watch(self._switched, "value")
        controller.param.watch(self._show_choices, ["workspaces", "workspace"])
        controller.param.watch(self._show_state, "state")

    def _show_choices(self, *_: object) -> None:
        controller = self._controller
        names: dict[str, str] = {}
        for one in controller.workspaces:
            # two machines may bear one name; each stays within reach
            label = one.name if one.name not in names else f"{one.name} ({one.login}@{one.host})"
            names[label if label not in names else one.id] = one.id
        first = controller.workspaces[0] if controller.workspaces else None
        shown = controller.workspace or first
        self._switcher.param.update(
            options=names,
            value=shown.id if shown is not None and shown.id in names.values() else None,
            visible=len(names) > 1,
        )
        self._menu.items = [{"label": label, "icon": icon} for label, icon, _ in self._deeds()]

    def _show_state(self, *_: object) -> None:
        state = self._controller.state
        self._state.param.update(label=state, color=STATE_COLOURS.get(state, "default"))

    def _switched(self, event: param.parameterized.Event) -> None:
        # The first choice is the page's own, once it is drawn; a browser may report a value before.
        started = self._controller.workspace is not None
        if started and event.new in {one.id for one in self._controller.workspaces}:
            self._controller.spawn(self._controller.select(event.new))

    def _chosen(self, item: dict[str, str]) -> None:
        for label, _, action in self._deeds():
            if label == item["label"]:
                action()

    def __panel__(self) -> pn.viewable.Viewable:
        """The bar's content."""
        return self._bar
