"""Telling the portal of a machine of one's own."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from vispa_panel.components.secret_form import SecretForm
from vispa_panel.errors import SettingsError
from vispa_panel.workspace.definition import SignIn, WorkspaceDefinition

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.workspace.connection import Secret

WAYS = {"Password": SignIn.PASSWORD, "Private key": SignIn.KEY}


class WorkspaceForm(pn.viewable.Viewer):
    """Host, port, login and secret of a machine; ``on_save`` gets what was filled in.

    ``definition`` fills the fields for a change; its id and pinned host key are kept as long as
    host and port stay the same.
    """

    def __init__(
        self,
        on_save: Callable[[WorkspaceDefinition, Secret | None], None],
        *,
        definition: WorkspaceDefinition | None = None,
    ) -> None:
        super().__init__()
        self._on_save = on_save
        self._before = before = definition
        wide = {"sizing_mode": "stretch_width", "margin": (6, 8), "size": "small"}
        self._host = pmui.TextInput(
            label="Host",
            placeholder="login.cluster.example.org",
            value=before.host if before else "",
            **wide,
        )
        self._port = pmui.IntInput(
            label="Port",
            value=before.port if before else 22,
            start=1,
            end=65535,
            size="small",
            margin=(6, 8),
            width=110,
        )
        self._login = pmui.TextInput(
            label="Login name on the host", value=before.login if before else "", **wide
        )
        self._name = pmui.TextInput(
            label="Name (as you like)", value=before.name if before else "", max_length=60, **wide
        )
        self._folder = pmui.TextInput(
            label="Folder to start in (home if empty)",
            value=before.base_folder if before else "",
            **wide,
        )
        way = before.sign_in if before else SignIn.PASSWORD
        self._way = pmui.RadioButtonGroup(label="Sign in with", options=WAYS, value=way, **wide)
        self._secret = SecretForm(sign_in=way)
        self._way.param.watch(lambda event: setattr(self._secret, "sign_in", event.new), "value")
        self._secret.param.watch(self._save, "entered")
        self._problem = pmui.Alert(severity="error", margin=(6, 8), visible=False)
        save = pmui.Button(
            label="Save and connect", icon="link", margin=(10, 8), on_click=self._save
        )
        self._form = pmui.Column(
            pmui.Row(self._host, self._port, sizing_mode="stretch_width", margin=0),
            self._login,
            self._way,
            self._secret,
            self._name,
            self._folder,
            self._problem,
            save,
            sizing_mode="stretch_width",
            margin=0,
        )

    def _save(self, *_: object) -> None:
        try:
            definition = self._filled_in()
        except SettingsError as error:
            self.tell(str(error))
            return
        self.tell("")
        self._on_save(definition, self._secret.take())

    def tell(self, problem: str) -> None:
        """Show what is wrong below the fields; an empty text hides it."""
        # A title is drawn as text; an alert's object would be drawn as HTML.
        self._problem.param.update(title=problem, visible=bool(problem))

    def _filled_in(self) -> WorkspaceDefinition:
        host, login = self._host.value.strip(), self._login.value.strip()
        made = WorkspaceDefinition(
            id=f"own-{secrets.token_hex(6)}",
            name=self._name.value.strip() or f"{login}@{host}",
            host=host,
            port=self._port.value or 0,
            login=login,
            sign_in=self._way.value,
            base_folder=self._folder.value.strip(),
            is_own=True,
        )
        before = self._before
        if before is None:
            return made
        same_host = (made.host, made.port) == (before.host, before.port)
        return replace(made, id=before.id, host_keys=before.host_keys if same_host else ())

    def __panel__(self) -> pn.viewable.Viewable:
        """The fields and the button."""
        return self._form
