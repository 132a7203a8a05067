"""The editor's tab: code, its command, its output, its pictures."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.components.code_editor import CodeEditor
from vispa_panel.components.image_gallery import ImageGallery, Picture
from vispa_panel.components.run_output import RunOutput
from vispa_panel.errors import PortalError
from vispa_panel.workspace.file_names import display_name

if TYPE_CHECKING:
    from vispa_panel.pages.context import ToolContext
    from vispa_panel.workspace.followed_run import FollowedRun

COMMANDS = {".py": "python %file", ".sh": "bash %file", ".C": "root -l -b -q %file"}
"""The command offered first, by file ending; others begin with ``./%name``."""


class EditorTab(pn.viewable.Viewer):
    """Edits one document and runs it; a run that goes on or ended here before is shown again."""

    run: FollowedRun | None = param.Parameter(
        default=None, doc="The FollowedRun beside the code, or None."
    )  # type: ignore[assignment]
    busy = param.Boolean(default=False, doc="Whether a run is being started.")
    running = param.Boolean(default=False, doc="Whether the run goes on.")

    def __init__(self, context: ToolContext, path: str) -> None:
        super().__init__()
        self._context = context
        self._controller = context.controller
        self.document = self._controller.documents.get(path)
        self._editor = CodeEditor(
            self.document, spawn=self._controller.spawn, dark=context.param.dark
        )
        self._output = RunOutput(run=self.param.run, spawn=self._controller.spawn)
        self._gallery = ImageGallery()
        ending = "." + path.rpartition(".")[2]
        self._command = pmui.TextInput(
            label="Command",
            value=COMMANDS.get(ending, "./%name"),
            size="small",
            margin=4,
            sizing_mode="stretch_width",
            description="%file, %dir and %name stand for this file, its folder and its name.",
        )
        self._command.param.watch(self._execute, "enter_pressed")
        self._execute_button = pmui.Button(
            label="Execute",
            icon="play_arrow",
            size="small",
            margin=4,
            disabled=param.rx(self.param.busy).rx.or_(self.param.running),
            on_click=self._execute,
        )
        self._stop_button = pmui.Button(
            label="Stop",
            icon="stop",
            size="small",
            color="error",
            variant="outlined",
            margin=4,
            disabled=self.param.running.rx.not_(),
            on_click=self._stop,
        )
        self._watcher: param.parameterized.Watcher | None = None
        self._controller.spawn(self._bring_back())

    async def _bring_back(self) -> None:
        self.run = await self._controller.documents.last_run(self.document)

    @param.depends("run", watch=True)
    def _watch_run(self) -> None:
        if self._watcher is not None:
            self._watcher.inst.param.unwatch(self._watcher)
        self._watcher = None
        if self.run is not None:
            self._watcher = self.run.param.watch(self._run_changed, ["info", "pictures"])
        self._run_changed()

    def _run_changed(self, *_: object) -> None:
        was_running, self.running = self.running, self.run is not None and self.run.running
        if was_running and not self.running:
            # A run may have written files: the views of its folder look again.
            self._controller.touch(posixpath.dirname(self.document.path))
        pictures = self.run.pictures if self.run is not None else ()
        self._gallery.pictures = tuple(
            Picture(name=display_name(entry.name), source=self._context.links.picture(entry))
            for entry in pictures
        )

    def _execute(self, _: object) -> None:
        if not self.busy and not self.running:
            self.busy = True
            self._controller.spawn(self._start())

    async def _start(self) -> None:
        try:
            self.run = await self._controller.documents.execute(self.document, self._command.value)
        finally:
            self.busy = False

    def _stop(self, _: object) -> None:
        if self.run is not None:
            self._controller.spawn(self._end(self.run))

    async def _end(self, run: FollowedRun) -> None:
        try:
            await run.stop()
        except PortalError as error:
            self._controller.tell("warning", error.advice)

    def __panel__(self) -> pn.viewable.Viewable:
        """Code above output, pictures beside them."""
        bar = pmui.Row(
            self._command,
            self._execute_button,
            self._stop_button,
            margin=0,
            sizing_mode="stretch_width",
        )
        work = pmui.Column(
            pmui.Column(self._editor, sizing_mode="stretch_both", margin=0, sx={"flex": "3 1 0"}),
            bar,
            pmui.Column(self._output, sizing_mode="stretch_both", margin=0, sx={"flex": "2 1 0"}),
            sizing_mode="stretch_both",
            margin=0,
        )
        beside = pmui.Column(
            self._gallery,
            visible=self._gallery.param.pictures.rx.len() > 0,
            sizing_mode="stretch_both",
            margin=0,
            max_width=460,
            sx={"@media (max-width: 900px)": {"maxHeight": "35%"}},
        )
        return pmui.Row(
            work,
            beside,
            sizing_mode="stretch_both",
            margin=0,
            sx={"@media (max-width: 900px)": {"flexDirection": "column"}},
        )
