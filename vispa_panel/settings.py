"""What the operator decides: typed settings from a TOML file and from ``VISPA_...`` variables.

A variable wins over the file; two underscores stand for the dot (``VISPA_PORTAL__PORT=8000``).
"""

from __future__ import annotations

import fnmatch
import ipaddress
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import (
    SettingsError as UnreadableVariable,
)

from vispa_panel.errors import SettingsError

Positive = Annotated[int, Field(gt=0)]


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Section(BaseModel):
    """A table of the file: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PortalSettings(Section):
    """Where the portal listens and how browsers reach it."""

    name: str = Field(default="V/SPA²", max_length=60, description="Product name shown to people.")
    address: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=5006, ge=0, lt=1 << 16, description="Port to listen on; 0 takes a free one."
    )
    public_url: str = Field(
        default="", description="Address in the browser; its host is the only one answered."
    )
    behind_proxy: bool = Field(
        default=False, description="Trust X-Forwarded-For of a proxy on this machine."
    )
    data_folder: Path = Field(
        default=Path("vispa-data"), description="Folder of the database and the signing key."
    )
    database: SecretStr = Field(
        default=SecretStr(""), description="SQLAlchemy URL; SQLite in the data folder by default."
    )

    @model_validator(mode="after")
    def _is_reachable_safely(self) -> PortalSettings:
        if self.public_url:
            parts = urlsplit(self.public_url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                message = "public_url must look like https://portal.example.org"
                raise ValueError(message)
            if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
                message = "public_url must end after the host (and port)"
                raise ValueError(message)
            if parts.scheme == "http" and not is_loopback(parts.hostname):
                message = "public_url must be https unless its host is this machine"
                raise ValueError(message)
        elif not is_loopback(self.address):
            message = "public_url is needed when address is not a loopback address"
            raise ValueError(message)
        if self.behind_proxy and not is_loopback(self.address):
            message = "behind_proxy needs a loopback address, or anybody could forge an address"
            raise ValueError(message)
        return self


class SignInSettings(Section):
    """Limits and lifetimes of signing in."""

    idle_minutes: Positive = Field(default=720, description="A sign-in unused for so long ends.")
    absolute_hours: Positive = Field(
        default=168, description="A sign-in ends after so long in any case."
    )
    failures: Positive = Field(
        default=5, description="Wrong passwords per user and network before waiting begins."
    )
    wait_seconds: Positive = Field(
        default=2, description="First waiting time; it doubles each time."
    )
    longest_wait_seconds: Positive = Field(default=900, description="Longest waiting time.")
    attempts_per_minute: Positive = Field(
        default=240, description="Sign-in attempts of everybody together in one minute."
    )


class GuestSettings(Section):
    """People who try the portal without an account."""

    enabled: bool = Field(default=False, description='Show "Try as guest".')
    lease_minutes: Positive = Field(default=60, description="A guest's sign-in ends after so long.")
    per_minute: Positive = Field(
        default=30, description="New guests in one minute, of all networks."
    )
    login: str = Field(
        default="{user}",
        max_length=64,
        description="Login on the host; {user} is the guest's name.",
    )


class WorkspaceSettings(Section):
    """One machine that every user may work on."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="Short name in addresses.")
    name: str = Field(min_length=1, max_length=60, description="Name shown to people.")
    host: str = Field(min_length=1, max_length=253, description="Host name or address.")
    port: int = Field(default=22, gt=0, lt=1 << 16, description="SSH port.")
    login: str = Field(
        default="{user}",
        max_length=64,
        description="Login on the host; {user} is the portal's name.",
    )
    sign_in: str = Field(
        default="key file",
        pattern=r"^(key file|key|password)$",
        description='"key file" (the operator\'s), "key" or "password" (both the user\'s own).',
    )
    key_file: Path | None = Field(default=None, description="Private key the portal signs in with.")
    known_hosts: Path | None = Field(default=None, description="File with the host's public key.")
    host_keys: tuple[str, ...] = Field(default=(), description="Pinned public keys of the host.")
    base_folder: str = Field(default="", description="Folder a person starts in; home by default.")
    default: bool = Field(default=False, description="Connect to it after signing in.")


class OwnWorkspaceSettings(Section):
    """Machines that users add for themselves; guests never can."""

    enabled: bool = Field(default=True, description="Let users add machines of their own.")
    hosts: tuple[str, ...] = Field(
        default=("*",), description='Hosts they may name, such as "*.example.org".'
    )

    def allow(self, host: str) -> bool:
        """Whether users may name this host."""
        return any(fnmatch.fnmatchcase(host.lower(), one.lower()) for one in self.hosts)


class LimitSettings(Section):
    """How much one request, message or user may ask for."""

    upload_megabytes: Positive = Field(default=2048, description="Largest upload in one request.")
    transfer_minutes: Positive = Field(
        default=120, description="Longest time of one upload or download."
    )
    message_megabytes: Positive = Field(default=4, description="Largest websocket message.")
    page_token_hours: Positive = Field(
        default=24, description="How long an open page may reconnect after a restart."
    )


class Settings(BaseSettings):
    """Everything the operator decides; made by :func:`load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix="VISPA_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    portal: PortalSettings = PortalSettings()
    sign_in: SignInSettings = SignInSettings()
    guests: GuestSettings = GuestSettings()
    limits: LimitSettings = LimitSettings()
    own_workspaces: OwnWorkspaceSettings = OwnWorkspaceSettings()
    workspaces: tuple[WorkspaceSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; nothing else is read."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _workspaces_are_distinct(self) -> Settings:
        ids = [workspace.id for workspace in self.workspaces]
        if len(set(ids)) != len(ids):
            message = "two workspaces have the same id"
            raise ValueError(message)
        if sum(workspace.default for workspace in self.workspaces) > 1:
            message = "more than one workspace is the default"
            raise ValueError(message)
        return self


def load_settings(path: Path | None = None, **sections: Any) -> Settings:  # noqa: ANN401
    """Settings from a TOML file (or the defaults), the environment winning over it.

    ``sections`` replace whole tables of the file. Raises SettingsError naming the key.
    """
    tables: dict[str, Any] = {}
    if path is not None:
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            message = f"The settings file {path} cannot be read: {error}."
            raise SettingsError(message) from error
        except tomllib.TOMLDecodeError as error:
            message = f"The settings file {path} is no valid TOML: {error}."
            raise SettingsError(message) from error
    try:
        return Settings(**{**tables, **sections})
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None
    except UnreadableVariable as error:
        message = f"A VISPA_ variable cannot be understood: {error}."
        raise SettingsError(message) from None


def _sentence(error: ValidationError) -> str:
    """The first mistake, with its key; never the value, which may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "settings"
    reason = first["msg"].removeprefix("Value error, ")
    return f"The setting {key} is not right: {reason}."
