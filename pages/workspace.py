"""The workspace page: bar at the top, files at the side, tabs in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import panel as pn
import panel_material_ui as pmui

from vispa_panel.components.file_tree import FileTree
from vispa_panel.components.style import THEME, sheet
from vispa_panel.pages.tab_group import TabGroup

if TYPE_CHECKING:
    import param

    from vispa_panel.extensions import Tool
    from vispa_panel.pages.context import ToolContext

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


class WorkspacePage(pn.viewable.Viewer):
    """Puts the tree, the launcher and the tabs of one session together."""

    def __init__(self, context: ToolContext, *, product: str, user_name: str) -> None:
        super().__init__()
        self._context = context
        self._controller = controller = context.controller
        # Background work has no document of its own, so both are looked up here, once.
        self._location = pn.state.location
        self._notifications = pn.state.notifications
        self._tree = FileTree(
            lambda: controller.files,
            on_open=lambda path: controller.spawn(controller.open_path(path)),
            spawn=controller.spawn,
        )
        controller.param.watch(lambda event: setattr(self._tree, "folder", event.new), "home")
        self._left = TabGroup(context, "left")
        self._right = TabGroup(context, "right")
        self._welcome = self._make_welcome()
        self._frame = pn.pane.HTML("", width=0, height=0, margin=0)
        self._upload = pmui.Dialog(
            title="Upload", show_close_button=True, close_on_click=True, width_option="sm"
        )
        self._page: Any = pmui.Page(  # type: ignore[attr-defined]
            title=product,
            header=self._header(user_name),
            sidebar=self._sidebar(),
            main=[self._main()],
            sidebar_width=290,
            theme_config=THEME,
            dark_theme=context.dark,
            main_width=None,
        )
        context.dark = self._page.dark_theme
        self._page.param.watch(lambda event: setattr(context, "dark", event.new), "dark_theme")
        context.param.watch(self._start_download, "download_address")
        context.param.watch(self._ask_upload, "upload_folder")
        controller.param.watch(self._show_notice, "notice")
        controller.param.watch(self._arrange, ["tabs", "ready"])
        controller.param.watch(self._tabs_to_address, "tabs")
        controller.param.watch(self._folder_changed, "changed_folder")
        controller.param.watch(self._became_ready, "ready")
        self._arrange()

    # -- parts --------------------------------------------------------------------------------

    def _header(self, user_name: str) -> list[object]:
        controller = self._controller
        switcher = pmui.Select(
            label="Workspace",
            options={one.name: one.id for one in controller.workspaces},
            value=(controller.workspace or controller.workspaces[0]).id
            if controller.workspaces
            else None,
            size="small",
            width=180,
            margin=(4, 8),
            visible=len(controller.workspaces) > 1,
            sx={"@media (max-width: 700px)": {"width": "110px"}},
        )

        def choose(event: param.parameterized.Event) -> None:
            if event.new:
                controller.spawn(controller.select(event.new))

        switcher.param.watch(choose, "value")

        def show_choice(*_: object) -> None:
            if controller.workspace is not None:
                switcher.value = controller.workspace.id

        controller.param.watch(show_choice, "workspace")
        state = pmui.Chip(label=controller.state, size="small", variant="outlined", margin=(10, 4))

        def show_state(*_: object) -> None:
            colour = STATE_COLOURS.get(controller.state, "default")
            state.param.update(label=controller.state, color=colour)

        controller.param.watch(show_state, "state")
        show_state()
        account = pmui.Typography(
            user_name,
            variant="body2",
            margin=(10, 8),
            sx={"@media (max-width: 700px)": {"display": "none"}},
        )
        sign_out = pn.pane.HTML(SIGN_OUT, margin=(6, 8), stylesheets=[sheet("workspace")])
        return [
            pmui.Row(
                switcher,
                state,
                pn.Spacer(sizing_mode="stretch_width"),
                account,
                sign_out,
                sizing_mode="stretch_width",
                margin=0,
            )
        ]

    def _sidebar(self) -> list[object]:
        buttons = [self._launcher_button(tool) for tool in self._controller.registry.launcher()]
        # White in the bar, where the theme draws buttons for a coloured ground: it stands here.
        split = pmui.Button(
            label="Split",
            icon="vertical_split",
            size="small",
            variant="outlined",
            margin=4,
            on_click=lambda _: self._controller.split(),
        )
        hidden = pmui.Checkbox.from_param(
            self._tree.param.show_hidden,
            label="Show hidden files",
            description="",
            size="small",
            margin=(0, 8),
        )
        return [pmui.FlexBox(*buttons, split, margin=(4, 4)), self._tree, hidden]

    def _launcher_button(self, tool: Tool) -> pmui.Button:
        controller = self._controller
        return pmui.Button(
            label=tool.launcher_label,
            icon=tool.icon,
            size="small",
            variant="outlined",
            margin=4,
            disabled=controller.param.ready.rx.not_(),
            on_click=lambda _: controller.spawn(controller.launch(tool.name)),
        )

    def _make_welcome(self) -> pmui.Column:
        return pmui.Column(
            pmui.Typography("Open a file", variant="h5", margin=(32, 24, 4, 24)),
            pmui.Typography(
                "Choose one at the side, or start a terminal.",
                variant="body1",
                margin=(0, 24),
            ),
            pmui.Typography(self._controller.param.message, variant="body2", margin=(16, 24)),
            sizing_mode="stretch_both",
        )

    def _main(self) -> pmui.Column:
        self._left_box = pmui.Column(self._left, sizing_mode="stretch_both", margin=0)
        self._right_box = pmui.Column(self._right, sizing_mode="stretch_both", margin=0)
        split = pmui.Row(self._left_box, self._right_box, sizing_mode="stretch_both", margin=0)
        return pmui.Column(
            self._welcome, split, self._frame, self._upload, sizing_mode="stretch_both", margin=0
        )

    # -- what happens -------------------------------------------------------------------------

    def _arrange(self, *_: object) -> None:
        tabs = self._controller.tabs
        self._left_box.visible = bool(tabs.on("left"))
        self._right_box.visible = bool(tabs.on("right"))
        self._welcome.visible = not tabs.tabs

    def _show_notice(self, *_: object) -> None:
        notice = self._controller.notice
        if notice is not None and self._notifications is not None:
            show = getattr(self._notifications, notice.level)
            show(notice.text, duration=8000)

    def _start_download(self, *_: object) -> None:
        address = self._context.download_address
        self._frame.object = f'<iframe src="{address}" title="Download" hidden></iframe>'

    def _ask_upload(self, *_: object) -> None:
        folder = self._context.upload_folder
        if folder:
            address = self._context.links.upload(folder)
            self._upload.objects = [
                pn.pane.HTML(
                    f'<iframe src="{address}" title="Upload files" class="upload"></iframe>',
                    sizing_mode="stretch_width",
                    height=260,
                    stylesheets=[sheet("workspace")],
                )
            ]
            self._upload.open = True

    def _folder_changed(self, *_: object) -> None:
        if self._controller.changed_folder:
            self._controller.spawn(self._tree.refresh(self._controller.changed_folder))

    def _tabs_to_address(self, *_: object) -> None:
        location = self._location
        front = self._controller.tabs.active_on("left")
        if location is not None and front is not None and front.tool != "terminal":
            location.update_query(open=front.target)  # type: ignore[arg-type]

    def _became_ready(self, *_: object) -> None:
        location = self._location
        if not self._controller.ready or location is None:
            return
        wanted = parse_qs((location.search or "").lstrip("?")).get("open", [])
        if wanted:
            self._controller.spawn(self._controller.resolve_link(wanted[0]))

    def __panel__(self) -> pn.viewable.Viewable:
        """The whole page."""
        page: pn.viewable.Viewable = self._page
        return page
