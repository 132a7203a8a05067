"""The editor of one text file: Ace, a save button, and what to do when two people saved."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.components.background import spawn
from vispa_panel.components.style import sheet
from vispa_panel.errors import FileConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from vispa_panel.workspace.documents import OpenDocument

LANGUAGES = {
    ".py": "python",
    ".sh": "sh",
    ".c": "c_cpp",
    ".cc": "c_cpp",
    ".cpp": "c_cpp",
    ".cxx": "c_cpp",
    ".h": "c_cpp",
    ".hpp": "c_cpp",
    ".md": "markdown",
    ".json": "json",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".html": "html",
    ".css": "css",
    ".tex": "latex",
    ".xml": "xml",
    ".f90": "fortran",
    ".jl": "julia",
    ".r": "r",
}
"""Ace's language mode by file ending; anything else is plain text."""


class CodeEditor(pn.viewable.Viewer):
    """Edits one :class:`~vispa_panel.workspace.documents.OpenDocument`.

    What is typed goes to the document at once, which keeps it as a draft; "Save" puts it on the
    host. A conflict offers three ways out, none of which loses text.
    """

    document: OpenDocument = param.Parameter(doc="The OpenDocument that is edited.")  # type: ignore[assignment]
    dark = param.Boolean(
        default=False, allow_refs=True, doc="Whether to use the dark editor theme."
    )

    def __init__(
        self,
        document: OpenDocument,
        *,
        spawn: Callable[[Coroutine[Any, Any, Any]], object] = spawn,
        **params: object,
    ) -> None:
        super().__init__(document=document, **params)
        self._spawn = spawn
        self._ace: pn.widgets.CodeEditor | None = None
        self._place = pmui.Column(sizing_mode="stretch_both", margin=0)
        self.save_button = pmui.Button(
            label="Save",
            icon="save",
            size="small",
            variant="outlined",
            disabled=document.param.dirty.rx.not_(),
            on_click=self._save,
            margin=4,
        )
        self.status = pmui.Typography(
            document.param.status, variant="caption", margin=(4, 8), sizing_mode="stretch_width"
        )
        document.param.watch(self._from_document, ["text", "read_only", "saved"])
        self._conflict = pmui.Column(sizing_mode="stretch_width", margin=0)
        document.param.watch(self._show_problem, "problem")
        self._show_problem()
        self._from_document()

    def _make_ace(self) -> pn.widgets.CodeEditor:
        # Ace takes "readonly" only at its making or after it was drawn, so it is made when the
        # text is there.
        ending = posixpath.splitext(self.document.path)[1].lower()
        ace = pn.widgets.CodeEditor(
            value=self.document.text,
            language=LANGUAGES.get(ending, "text"),
            theme=self._theme,
            readonly=self.document.read_only,
            print_margin=False,
            sizing_mode="stretch_both",
            min_height=120,
            margin=0,
            stylesheets=[sheet("code_editor")],
        )
        ace.param.watch(self._typed, ["value_input", "value"])
        return ace

    @property
    def _theme(self) -> str:
        return "tomorrow_night" if self.dark else "tomorrow"

    @param.depends("dark", watch=True)
    def _use_theme(self) -> None:
        if self._ace is not None:
            self._ace.theme = self._theme

    def _typed(self, *events: param.parameterized.Event) -> None:
        self.document.change(events[-1].new or "")

    def _from_document(self, *_: object) -> None:
        if self.document.saved is None:
            return
        if self._ace is None:
            self._ace = self._make_ace()
            self._place.append(self._ace)
            return
        if self._ace.value_input != self.document.text:
            self._ace.param.update(value=self.document.text, value_input=self.document.text)
        if self._ace.readonly != self.document.read_only:
            self._ace.readonly = self.document.read_only

    def _save(self, _: object) -> None:
        self._spawn(self.document.save())

    def _show_problem(self, *_: object) -> None:
        problem = self.document.problem
        if problem is None:
            self._conflict.clear()
            return
        choices: list[object] = []
        if isinstance(problem, FileConflict):
            choices = [
                self._choice("Overwrite", lambda: self.document.save(overwrite=True)),
                self._choice("Load the newer text", self.document.reload),
            ]
        elif not self.document.read_only:
            choices = [self._choice("Try again", self.document.save)]
        else:
            choices = [self._choice("Load again", self.document.reload)]
        self._conflict.objects = [
            pmui.Alert(
                title=str(problem),
                object=problem.next_step,
                severity="warning",
                margin=(4, 4, 0, 4),
                sizing_mode="stretch_width",
            ),
            pmui.Row(*choices, margin=0),
        ]

    def _choice(self, label: str, action: Callable[[], Coroutine[Any, Any, Any]]) -> pmui.Button:
        return pmui.Button(
            label=label,
            size="small",
            variant="outlined",
            color="warning",
            margin=4,
            on_click=lambda _: self._spawn(action()),
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """The editor with its bar."""
        return pmui.Column(
            pmui.Row(self.save_button, self.status, margin=0, sizing_mode="stretch_width"),
            self._conflict,
            self._place,
            sizing_mode="stretch_both",
            margin=0,
        )
