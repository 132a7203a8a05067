"""Asking for a password, or for a private key with its passphrase."""

from __future__ import annotations

import panel as pn
import panel_material_ui as pmui
import param

from vispa_panel.workspace.connection import Secret
from vispa_panel.workspace.definition import SignIn

MOST_KEY_CHARACTERS = 20_000


class SecretForm(pn.viewable.Viewer):
    """The fields of one way to sign in; :meth:`take` gives what was typed and empties them."""

    sign_in: SignIn = param.Selector(  # type: ignore[assignment]
        default=SignIn.PASSWORD, objects=list(SignIn), doc="What is asked for."
    )
    entered = param.Event(doc="Enter was pressed in a field of one line.")

    def __init__(self, **params: object) -> None:
        super().__init__(**params)
        wide = {"sizing_mode": "stretch_width", "margin": (6, 8), "size": "small"}
        self._password = pmui.PasswordInput(label="SSH password", **wide)
        self._key = pmui.TextAreaInput(
            label="Private key",
            placeholder="-----BEGIN OPENSSH PRIVATE KEY-----",
            rows=5,
            max_length=MOST_KEY_CHARACTERS,
            **wide,
        )
        self._passphrase = pmui.PasswordInput(label="Passphrase (if the key has one)", **wide)
        for field in (self._password, self._passphrase):
            field.param.watch(lambda _: self.param.trigger("entered"), "enter_pressed")
        note = pmui.Typography(
            "Kept in memory until you sign out, never stored.", variant="caption", margin=(0, 10)
        )
        self._form = pmui.Column(
            self._password, self._key, self._passphrase, note, sizing_mode="stretch_width", margin=0
        )
        self._choose_fields()

    @param.depends("sign_in", watch=True)
    def _choose_fields(self) -> None:
        self._password.visible = self.sign_in is SignIn.PASSWORD
        self._key.visible = self._passphrase.visible = self.sign_in is SignIn.KEY

    def take(self) -> Secret | None:
        """What was typed, or None; the fields are empty afterwards."""
        if self.sign_in is SignIn.PASSWORD:
            secret = Secret(password=self._password.value_input or self._password.value or "")
            given = secret.password
        else:
            secret = Secret(
                private_key=(self._key.value_input or self._key.value or "").strip() + "\n",
                passphrase=self._passphrase.value_input or self._passphrase.value or "",
            )
            given = secret.private_key.strip()
        for field in (self._password, self._key, self._passphrase):
            field.param.update(value="", value_input="")
        return secret if given else None

    def __panel__(self) -> pn.viewable.Viewable:
        """The fields."""
        return self._form
