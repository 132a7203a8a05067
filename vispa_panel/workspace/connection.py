"""One SSH connection to a workspace: opened, watched, and opened again when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh
import param

from vispa_panel.errors import (
    AgentUnavailable,
    ConnectionFailed,
    HostKeyChanged,
    HostKeyUnknown,
    HostUnreachable,
    LoginRefused,
    NotConnected,
    PortalError,
)
from vispa_panel.workspace.agent_program import install_and_start
from vispa_panel.workspace.definition import SignIn
from vispa_panel.workspace.host_keys import refusal, trusted_keys

if TYPE_CHECKING:
    from vispa_panel.workspace.agent_client import AgentClient
    from vispa_panel.workspace.definition import WorkspaceDefinition
    from vispa_panel.workspace.host_keys import KnownHosts

STATES = ["closed", "connecting", "connected", "reconnecting", "failed"]
FINAL = (LoginRefused, HostKeyUnknown, HostKeyChanged)
"""Failures that another try cannot cure."""

BACK_OFF = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each new try; the last one repeats."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or a private key with its passphrase; lives in memory only."""

    password: str = ""
    private_key: str = ""
    passphrase: str = ""

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return bool(self.password or self.private_key)

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon a dead connection is noticed: ``interval`` seconds times ``count`` plus one."""

    interval: float = 15.0
    count: int = 3
    login: float = 10.0


class Connection(param.Parameterized):
    """Shared by everything of one user on one workspace."""

    state: str = param.Selector(  # type: ignore[assignment]
        default="closed", objects=STATES, doc="Where it stands."
    )
    message = param.String(default="Not connected.", doc="Where it stands, as a sentence.")
    problem: PortalError | None = param.ClassSelector(  # type: ignore[assignment]
        class_=PortalError, allow_None=True, doc="Why it failed; None while all is well."
    )
    retry_at: float | None = param.Number(  # type: ignore[assignment]
        default=None, allow_None=True, doc="Seconds since 1970 of the next try, or None."
    )

    def __init__(
        self,
        definition: WorkspaceDefinition,
        secret: Secret | None = None,
        pace: Pace | None = None,
    ) -> None:
        super().__init__()
        self.definition = definition
        self.secret = secret or Secret()
        self._pace = pace or Pace()
        self._ssh: asyncssh.SSHClientConnection | None = None
        self._agent: AgentClient | None = None
        self._no_agent: AgentUnavailable | None = None
        self._sftp: asyncssh.SFTPClient | None = None
        self._starting = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    # -- opening and closing ------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, if it is not connected; raises ConnectionFailed and keeps it as ``problem``."""
        async with self._opening:
            if self._watch is not None and not self._watch.done():
                self._hurry.set()
                return
            self.param.update(
                state="connecting", message=f"Connecting to {self.definition.name}…", problem=None
            )
            try:
                await self._connect()
            except PortalError as error:
                self._fail(error)
                raise
            self._watch = asyncio.get_running_loop().create_task(
                self._keep(), context=contextvars.Context()
            )

    async def use(
        self, secret: Secret | None = None, definition: WorkspaceDefinition | None = None
    ) -> None:
        """Connect anew with another password or key, or another host; raises ConnectionFailed."""
        await self.close()
        self.secret = secret or self.secret
        self.definition = definition or self.definition
        await self.open()

    async def close(self) -> None:
        """Hang up for good; what runs on the host goes on."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        ssh, self._ssh = self._ssh, None
        self._agent = self._sftp = None
        if ssh is not None:
            ssh.close()
            await ssh.wait_closed()
        self.param.update(state="closed", message="Not connected.", retry_at=None)

    def _fail(self, error: PortalError) -> None:
        self.param.update(state="failed", message=error.advice, problem=error, retry_at=None)

    async def _connect(self) -> None:
        trusted = await asyncio.to_thread(trusted_keys, self.definition)
        try:
            self._ssh = await self._dial(trusted)
        except asyncssh.HostKeyNotVerifiable as error:
            raise await refusal(self.definition, trusted) from error
        except (OSError, asyncssh.Error, ValueError) as error:
            raise self._in_words(error) from error
        self._agent = self._sftp = self._no_agent = None
        self.param.update(
            state="connected",
            message=f"Connected to {self.definition.name}.",
            problem=None,
            retry_at=None,
        )

    async def _dial(self, trusted: KnownHosts) -> asyncssh.SSHClientConnection:
        definition, secret = self.definition, self.secret
        keys: list[asyncssh.SSHKey | str] = []
        password: str | None = None
        if definition.sign_in is SignIn.KEY_FILE and definition.key_file is not None:
            keys = [str(definition.key_file)]
        elif definition.sign_in is SignIn.KEY and secret.private_key:
            keys = [asyncssh.import_private_key(secret.private_key, secret.passphrase or None)]
        elif definition.sign_in is SignIn.PASSWORD and secret.password:
            password = secret.password
        if not keys and password is None:
            message = f"{definition.name} needs your {definition.sign_in.value}."
            raise LoginRefused(message, next_step="It is asked for once, until you sign out.")
        ssh = await asyncssh.connect(
            definition.host,
            definition.port,
            username=definition.login,
            password=password,
            client_keys=keys or None,
            known_hosts=trusted,
            config=None,
            agent_path=None,
            agent_forwarding=False,
            x11_forwarding=False,
            connect_timeout=self._pace.login,
            login_timeout=self._pace.login,
            keepalive_interval=self._pace.interval,
            keepalive_count_max=self._pace.count,
        )
        sock = ssh.get_extra_info("socket")
        if sock is not None:
            # A key typed must not wait for the answer to the one before.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ssh

    def _in_words(self, error: Exception) -> ConnectionFailed:  # noqa: PLR0911 - one line a case
        name, host = self.definition.name, f"{self.definition.host}:{self.definition.port}"
        match error:
            case asyncssh.PermissionDenied():
                return LoginRefused(f"{name} does not let {self.definition.login} in.")
            case asyncssh.KeyImportError() | asyncssh.KeyEncryptionError():
                return LoginRefused(
                    "This private key cannot be read.",
                    next_step="Paste the whole key, and its passphrase if it has one.",
                )
            case socket.gaierror():
                return HostUnreachable(f"There is no host named {self.definition.host}.")
            case ConnectionRefusedError():
                return HostUnreachable(f"{name} ({host}) does not accept connections.")
            case TimeoutError():
                return HostUnreachable(f"{name} ({host}) does not answer.")
            case asyncssh.ProtocolError() | asyncssh.ProtocolNotSupported():
                return HostUnreachable(f"What answers at {host} is no SSH server.")
            case _:
                return HostUnreachable(f"{name} ({host}) cannot be reached: {str(error)[:200]}.")

    # -- while it is open ---------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            if self._ssh is not None:
                await self._ssh.wait_closed()
            attempt = 0
            while not await self._again(BACK_OFF[min(attempt, len(BACK_OFF) - 1)]):
                attempt += 1
                if self.state == "failed":
                    return

    async def _again(self, wait: float) -> bool:
        wait *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads a workshop's reconnects, no secret
        self._hurry.clear()
        seconds = max(1, round(wait))
        self.param.update(
            state="reconnecting",
            message=f"The connection was lost; connecting again in {seconds} s.",
            retry_at=time.time() + wait,
        )
        with contextlib.suppress(TimeoutError):  # the usual case: nobody is in a hurry
            await asyncio.wait_for(self._hurry.wait(), wait)
        try:
            await self._connect()
        except FINAL as error:
            self._fail(error)
            return False
        except PortalError as error:
            self.problem = error
            return False
        return True

    def retry(self) -> None:
        """Do not wait for the next try."""
        self._hurry.set()

    # -- what goes through it -----------------------------------------------------------------

    @property
    def ssh(self) -> asyncssh.SSHClientConnection:
        """The connection of now; raises NotConnected."""
        if self._ssh is None or self.state != "connected":
            message = f"{self.definition.name} is not connected just now."
            raise NotConnected(message)
        return self._ssh

    async def agent(self) -> AgentClient:
        """The agent on the host, started when first needed.

        Raises NotConnected, and AgentUnavailable on a host where it cannot run.
        """
        async with self._starting:
            if self._no_agent is not None:
                raise self._no_agent
            if self._agent is None or self._agent.closed:
                try:
                    self._agent = await install_and_start(self.ssh)
                except AgentUnavailable as error:
                    self._no_agent = error
                    raise
                except (OSError, asyncssh.Error) as error:
                    message = "The connection to the workspace was lost."
                    raise NotConnected(message) from error
            return self._agent

    async def sftp(self) -> asyncssh.SFTPClient:
        """The one SFTP channel of this connection; raises NotConnected."""
        async with self._starting:
            if self._sftp is None:
                try:
                    self._sftp = await self.ssh.start_sftp_client(path_errors="surrogateescape")
                except (OSError, asyncssh.Error) as error:
                    message = "The host gave no way to its files."
                    raise NotConnected(message) from error
            return self._sftp
