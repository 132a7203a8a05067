"""What stands between a person and a workspace: why it is not connected, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.components.secret_form import SecretForm
from vispa_panel.errors import HostKeyUnknown, LoginRefused, SettingsError
from vispa_panel.workspace.definition import SignIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.workspace.connection import Connection, Secret

SEVERITY = {"failed": "error", "reconnecting": "warning"}
ASKED_FOR = {SignIn.PASSWORD, SignIn.KEY}


class ConnectionCard(pn.viewable.Viewer):
    """Follows a :class:`Connection`; nothing is drawn while all is well.

    Asks for a password or key where one is missing or refused, shows the fingerprint of a host
    that nobody has confirmed, and offers another try for everything else.
    """

    connection: Connection | None = param.Parameter(  # type: ignore[assignment]
        default=None, allow_refs=True, doc="The connection to follow, or None."
    )

    def __init__(
        self,
        *,
        on_secret: Callable[[Secret], None],
        on_accept: Callable[[], None],
        on_retry: Callable[[], None],
        **params: object,
    ) -> None:
        self._on_secret, self._on_accept, self._on_retry = on_secret, on_accept, on_retry
        self._watcher: param.parameterized.Watcher | None = None
        self._form: SecretForm | None = None
        self._text = pmui.Alert(margin=(8, 16), sizing_mode="stretch_width")
        self._card = pmui.Column(sizing_mode="stretch_width", margin=0)
        super().__init__(**params)
        self._follow()

    @param.depends("connection", watch=True)
    def _follow(self) -> None:
        if self._watcher is not None:
            self._watcher.inst.param.unwatch(self._watcher)
        self._watcher = None
        if self.connection is not None:
            self._watcher = self.connection.param.watch(self._draw, ["state", "message", "problem"])
        self._draw()

    def _draw(self, *_: object) -> None:
        connection = self.connection
        if connection is None or connection.state not in SEVERITY:
            self._form = None
            self._card.objects = []
            return
        problem, definition = connection.problem, connection.definition
        failed = connection.state == "failed"
        severity = SEVERITY[connection.state]
        answer: list[object]
        if failed and isinstance(problem, LoginRefused) and definition.sign_in in ASKED_FOR:
            severity = severity if connection.secret.given else "info"
            answer = self._question(definition.sign_in)
        elif failed and isinstance(problem, HostKeyUnknown) and self._may_accept:
            answer = [self._button("Accept this key", "verified_user", self._on_accept)]
        elif isinstance(problem, SettingsError):
            answer = []
        else:
            answer = [self._button("Retry", "refresh", self._on_retry)]
        # A title is drawn as text; a host's own words may stand in it.
        self._text.param.update(title=connection.message, severity=severity)
        self._card.objects = [self._text, *answer]

    @property
    def _may_accept(self) -> bool:
        """Only for a machine of one's own; for the others the operator answers."""
        connection = self.connection
        problem = connection.problem if connection is not None else None
        known = isinstance(problem, HostKeyUnknown) and bool(problem.public_key)
        return connection is not None and connection.definition.is_own and known

    def _question(self, sign_in: SignIn) -> list[object]:
        self._form = SecretForm(sign_in=sign_in)
        self._form.param.watch(self._give, "entered")
        return [
            pmui.Column(self._form, max_width=480, margin=(0, 8), sizing_mode="stretch_width"),
            self._button("Connect", "login", self._give),
        ]

    @staticmethod
    def _button(label: str, icon: str, action: Callable[[], None]) -> pmui.Button:
        return pmui.Button(
            label=label, icon=icon, margin=(4, 16, 12, 16), on_click=lambda _: action()
        )

    def _give(self, *_: object) -> None:
        secret = self._form.take() if self._form is not None else None
        if secret is not None:
            self._on_secret(secret)

    def __panel__(self) -> pn.viewable.Viewable:
        """The card; empty while there is nothing to say."""
        return self._card
