"""The output of one run: state, duration, exit code, and the text as it comes."""

from __future__ import annotations

import asyncio
import html
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.components.background import spawn
from vispa_panel.components.region import Region
from vispa_panel.components.style import sheet
from vispa_panel.workspace.runs import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from vispa_panel.workspace.followed_run import FollowedRun

TICK = 0.5
"""Seconds between two looks at the clock while a run goes on."""


def in_words(seconds: float) -> str:
    """A duration as a person says it: ``0.8 s``, ``1 min 5 s``, ``2 h 3 min``."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds the tenths matter
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_rest = divmod(minutes, 60)
    return f"{hours} h {minutes_rest} min" if hours else f"{minutes} min {rest} s"


def summary(run: FollowedRun | None) -> str:  # noqa: PLR0911 - one line a case
    """The run's state in one short sentence."""
    if run is None or run.info is None:
        return ""
    info, took = run.info, in_words(run.duration)
    match info.state:
        case RunState.RUNNING:
            return f"Running for {took}"
        case RunState.STOPPED:
            return f"Stopped after {took}"
        case RunState.LOST:
            return "The host restarted; nobody saw how this run ended."
        case RunState.FINISHED if info.exit_code == 0:
            return f"Finished in {took}, exit code 0"
        case RunState.FINISHED if info.exit_code is not None and info.exit_code < 0:
            return f"Ended by signal {-info.exit_code} after {took}"
        case _:
            return f"Failed after {took}, exit code {info.exit_code}"


def colour(run: FollowedRun | None) -> str:
    """The palette's colour for a run's state."""
    if run is None or run.info is None or run.info.state is RunState.RUNNING:
        return "primary"
    if run.info.state is RunState.FINISHED:
        return "success" if run.info.exit_code == 0 else "error"
    return "warning"


class RunOutput(pn.viewable.Viewer):
    """Shows one :class:`~vispa_panel.workspace.followed_run.FollowedRun`, or none.

    Finished pieces of text are sent once; only the growing tail is sent again.
    """

    run: FollowedRun | None = param.Parameter(  # type: ignore[assignment]
        default=None, allow_refs=True, doc="The FollowedRun that is shown, or None."
    )

    def __init__(
        self,
        run: FollowedRun | None = None,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], object] = spawn,
        **params: object,
    ) -> None:
        super().__init__(**params)
        self._spawn = spawn
        self._state = pmui.Typography(
            "", variant="body2", margin=(4, 8), sizing_mode="stretch_width"
        )
        self._command = pmui.Typography("", variant="caption", margin=(0, 8))
        self._tail = pn.pane.HTML("", margin=0, stylesheets=[sheet("run_output")])
        self._text = pn.Column(
            self._tail,
            sizing_mode="stretch_width",
            margin=0,
            styles={"margin-bottom": "auto"},
            stylesheets=[sheet("run_output")],
        )
        self._shown: dict[int, pn.pane.HTML] = {}
        self._watcher: param.parameterized.Watcher | None = None
        self._clock_runs = False
        self.run = run

    @param.depends("run", watch=True)
    def _follow(self) -> None:
        if self._watcher is not None:
            self._watcher.inst.param.unwatch(self._watcher)
            self._watcher = None
        self._shown.clear()
        if self.run is not None:
            self._watcher = self.run.param.watch(
                self._update, ["info", "pieces", "tail", "skipped", "problem"]
            )
        self._update()

    def _update(self, *_: object) -> None:
        self._tick()
        running = self.run is not None and self.run.running
        if running and not self._clock_runs:
            self._clock_runs = True
            self._spawn(self._clock())
        if self.run is None:
            self._tail.object = '<pre class="quiet">The output will appear here.</pre>'
            self._text.objects = [self._tail]
            return
        pieces = dict(self.run.pieces)
        for number in [one for one in self._shown if one not in pieces]:
            del self._shown[number]
        for number, text in pieces.items():
            if number not in self._shown:
                self._shown[number] = self._piece(text)
        objects = [*self._shown.values(), self._tail]
        if self.run.skipped:
            note = f"{self.run.skipped:,} bytes of earlier output stand in the log on the host."
            objects.insert(
                0,
                pn.pane.HTML(
                    f'<pre class="quiet">{note}</pre>', margin=0, stylesheets=[sheet("run_output")]
                ),
            )
        tail = f"<pre>{html.escape(self.run.tail)}</pre>"
        if self.run.problem:
            tail += f'<pre class="quiet">{html.escape(self.run.problem)}</pre>'
        self._tail.object = tail
        if [id(one) for one in objects] != [id(one) for one in self._text.objects]:
            self._text.objects = objects

    @staticmethod
    def _piece(text: str) -> pn.pane.HTML:
        return pn.pane.HTML(
            f"<pre>{html.escape(text)}</pre>", margin=0, stylesheets=[sheet("run_output")]
        )

    def _tick(self) -> None:
        self._state.object = summary(self.run)
        self._state.color = colour(self.run)

    async def _clock(self) -> None:
        try:
            while self.run is not None and self.run.running:
                self._tick()
                await asyncio.sleep(TICK)
        finally:
            self._clock_runs = False

    def __panel__(self) -> pn.viewable.Viewable:
        """The state line above the text."""
        return pmui.Column(
            self._state,
            Region(
                self._text,
                label="Output",
                kind="log",
                sizing_mode="stretch_both",
                min_height=80,
                margin=4,
            ),
            sizing_mode="stretch_both",
            margin=0,
        )
