"""The workspace page: bar at the top, files at the side, tabs in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import panel as pn
import panel_material_ui as pmui

from vispa_panel.components.connection_card import ConnectionCard
from vispa_panel.components.feedback_form import FeedbackForm
from vispa_panel.components.file_tree import FileTree
from vispa_panel.components.style import THEME, sheet
from vispa_panel.components.workspace_form import WorkspaceForm
from vispa_panel.errors import NotAllowed
from vispa_panel.pages.app_bar import AppBar
from vispa_panel.pages.tab_group import TabGroup

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vispa_panel.extensions import Tool
    from vispa_panel.pages.context import ToolContext
    from vispa_panel.workspace.connection import Secret
    from vispa_panel.workspace.definition import WorkspaceDefinition


class WorkspacePage(pn.viewable.Viewer):
    """Puts the tree, the launcher and the tabs of one session together."""

    def __init__(
        self,
        context: ToolContext,
        *,
        product: str,
        user_name: str,
        send_feedback: Callable[[str], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._send_feedback = send_feedback
        self._context = context
        self._controller = controller = context.controller
        # Background work has no document of its own, so both are looked up here, once.
        self._location = pn.state.location
        self._phone = "Mobi" in (pn.state.headers or {}).get("User-Agent", "")
        self._linked: str | None = None
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
        self._upload = self._dialog("Upload")
        self._machine = self._dialog("Workspace")
        self._feedback = self._dialog("Feedback")
        self._page: Any = pmui.Page(  # type: ignore[attr-defined]
            title=product,
            header=[AppBar(controller, user_name=user_name, deeds=self._deeds)],
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
        controller.param.watch(self._arrange, ["tabs", "ready", "state"])
        controller.param.watch(self._show_address, "tabs")
        controller.param.watch(self._folder_changed, "changed_folder")
        controller.param.watch(self._became_ready, "ready")
        self._arrange()

    # -- parts --------------------------------------------------------------------------------

    @staticmethod
    def _dialog(title: str) -> pmui.Dialog:
        return pmui.Dialog(
            title=title, show_close_button=True, close_on_click=True, width_option="sm"
        )

    def _deeds(self) -> list[tuple[str, str, Callable[[], None]]]:
        """What the user menu offers just now."""
        controller = self._controller
        deeds: list[tuple[str, str, Callable[[], None]]] = []
        if controller.own.allowed:
            deeds.append(("Add a workspace", "add_link", self._add_workspace))
        mine = controller.workspace
        if mine is not None and mine.is_own:
            deeds.append(("Change this workspace", "edit", lambda: self._add_workspace(mine)))
            deeds.append(("Remove this workspace", "link_off", lambda: self._ask_removal(mine)))
        deeds.append(("Feedback", "feedback", self._ask_feedback))
        return deeds

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
            sizing_mode="stretch_both",
        )

    def _main(self) -> pmui.Column:
        self._left_box = pmui.Column(self._left, sizing_mode="stretch_both", margin=0)
        self._right_box = pmui.Column(self._right, sizing_mode="stretch_both", margin=0)
        split = pmui.Row(self._left_box, self._right_box, sizing_mode="stretch_both", margin=0)
        controller = self._controller
        card = ConnectionCard(
            connection=controller.param.connection,
            on_secret=lambda secret: controller.spawn(controller.sign_in(secret)),
            on_accept=lambda: controller.spawn(controller.accept_host_key()),
            on_retry=lambda: controller.spawn(controller.retry()),
        )
        return pmui.Column(
            card,
            self._welcome,
            split,
            self._frame,
            self._upload,
            self._machine,
            self._feedback,
            sizing_mode="stretch_both",
            margin=0,
        )

    # -- what happens -------------------------------------------------------------------------

    def _arrange(self, *_: object) -> None:
        tabs = self._controller.tabs
        if self._phone and tabs.tabs:
            self._page.sidebar_open = False  # it covers what was just opened
        self._left_box.visible = bool(tabs.on("left"))
        self._right_box.visible = bool(tabs.on("right"))
        self._welcome.visible = not tabs.tabs and self._controller.state in {
            "connected",
            "connecting",
        }

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

    def _add_workspace(self, definition: WorkspaceDefinition | None = None) -> None:
        def save(made: WorkspaceDefinition, secret: Secret | None) -> None:
            self._controller.spawn(self._save_workspace(form, made, secret))

        form = WorkspaceForm(save, definition=definition)
        title = "Change this workspace" if definition else "Add a workspace"
        self._machine.param.update(title=title, objects=[form], open=True)

    async def _save_workspace(
        self, form: WorkspaceForm, made: WorkspaceDefinition, secret: Secret | None
    ) -> None:
        try:
            await self._controller.save_workspace(made, secret)
        except NotAllowed as error:
            form.tell(error.advice)
        else:
            self._machine.open = False

    def _ask_removal(self, mine: WorkspaceDefinition) -> None:
        def remove(_: object) -> None:
            self._machine.open = False
            self._controller.spawn(self._controller.remove_workspace(mine.id))

        self._machine.param.update(
            title="Remove this workspace?",
            objects=[
                pmui.Alert(
                    title="The portal forgets how to reach it. Files and programs on the machine "
                    "stay as they are.",
                    severity="info",
                    margin=8,
                ),
                pmui.Button(
                    label="Remove", icon="link_off", color="error", margin=8, on_click=remove
                ),
            ],
            open=True,
        )

    def _ask_feedback(self) -> None:
        # What was typed and not sent is still there; the form is made when first asked for.
        if not self._feedback.objects:
            spawn = self._controller.spawn
            self._feedback.objects = [FeedbackForm(lambda text: spawn(self._give_feedback(text)))]
        self._feedback.open = True

    async def _give_feedback(self, text: str) -> None:
        await self._send_feedback(text)
        self._feedback.objects = []
        self._feedback.open = False
        self._controller.tell("success", "Thank you, your message has been kept.")

    def _show_address(self, *_: object) -> None:
        """The address names the workspace (unless it is the first) and the file in front."""
        controller, location = self._controller, self._location
        if location is None or self._linked is None:
            return  # what the address asks for comes first
        query: dict[str, str] = {}
        workspace = controller.workspace
        if workspace is not None and workspace != controller.workspaces[0]:
            query["workspace"] = workspace.id
        front = controller.tabs.active_on("left")
        if front is not None and front.tool != "terminal":
            query["open"] = front.target
        location.search = f"?{urlencode(query, errors='surrogateescape')}" if query else ""

    def _became_ready(self, *_: object) -> None:
        if not self._controller.ready:
            return
        if self._linked is None:
            search = self._location.search if self._location is not None else ""
            query = parse_qs((search or "").lstrip("?"), errors="surrogateescape")
            self._linked = query.get("open", [""])[0]
            if self._linked:
                self._controller.spawn(self._controller.resolve_link(self._linked))
                return
        self._show_address()

    def __panel__(self) -> pn.viewable.Viewable:
        """The whole page."""
        page: pn.viewable.Viewable = self._page
        return page
