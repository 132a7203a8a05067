"""What a workspace is: a host, a login there, and how one proves to be allowed in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from vispa_panel.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,252})")


class SignIn(StrEnum):
    """How the portal proves to the host who the user is."""

    KEY_FILE = "key file"
    KEY = "key"
    PASSWORD = "password"  # noqa: S105 - the word, not a password


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceDefinition:
    """One machine to work on.

    ``host_keys`` are the pinned public keys (``ssh-ed25519 AAAA...``) and ``known_hosts`` a file
    of them; one of both must know the host. ``key_file`` is the operator's private key. A
    password or a user's own key is never part of it: those are asked for and stay in memory.
    """

    id: str
    name: str
    host: str
    port: int = 22
    login: str
    base_folder: str = ""
    sign_in: SignIn = SignIn.KEY_FILE
    key_file: Path | None = None
    known_hosts: Path | None = None
    host_keys: tuple[str, ...] = ()
    is_default: bool = False
    is_own: bool = field(default=False)

    def __post_init__(self) -> None:
        """Refuse what can be no host, port or login; raises SettingsError."""
        if not _HOST.fullmatch(self.host):
            message = f"{self.host!r} is no host name."
            raise SettingsError(message)
        if not 0 < self.port < 1 << 16:
            message = f"{self.port} is no port number."
            raise SettingsError(message)
        if not _LOGIN.fullmatch(self.login.replace("{user}", "user")):
            message = f"{self.login!r} is no login name."
            raise SettingsError(message)

    def for_user(self, user_name: str) -> WorkspaceDefinition:
        """The same workspace with ``{user}`` in its login filled in; raises SettingsError."""
        return replace(self, login=self.login.replace("{user}", user_name))
