"""Terminals, kept by the agent's keeper on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vispa_panel.errors import AgentError
from vispa_panel.workspace.terminals import TerminalInfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vispa_panel.workspace.agent_client import AgentClient, Call

PASTE = 1 << 15
"""Bytes of a paste in one frame."""

MOST_READ = 1 << 16
"""Bytes handed out at once."""

CREDIT = 1 << 15
"""Bytes drawn after which the host is told; an eighth of its window."""


class AgentTerminalStream:
    """One attachment; implements :class:`~vispa_panel.workspace.terminals.TerminalStream`."""

    def __init__(self, client: AgentClient, call: Call, terminal_id: str) -> None:
        self._client = client
        self._call = call
        self._id = terminal_id
        self._drawn = 0

    async def read(self) -> bytes:
        """The next output; ``b""`` at the end. Raises NotConnected when the way breaks."""
        return await self._call.next_bytes(MOST_READ)

    def acknowledge(self, count: int) -> None:
        """Let the host send as much again."""
        self._drawn += count
        if self._drawn >= CREDIT:
            self._call.credit(self._drawn)
            self._drawn = 0

    def write(self, data: bytes) -> None:
        """Keys typed, or a paste."""
        for start in range(0, len(data), PASTE):
            self._call.send(data[start : start + PASTE])

    def resize(self, columns: int, rows: int) -> None:
        """The size in characters."""
        if not self._client.closed:
            # Nobody waits for the answer: a later size replaces an earlier one anyway.
            self._client.call("terminal.resize", terminal=self._id, columns=columns, rows=rows)

    async def detach(self) -> None:
        """Stop watching."""
        self._call.cancel()


class AgentTerminals:
    """Implements :class:`~vispa_panel.workspace.terminals.Terminals`."""

    def __init__(self, client: Callable[[], Awaitable[AgentClient]]) -> None:
        self._client = client

    async def open(self, *, folder: str | None = None, columns: int = 80, rows: int = 24) -> str:
        """Start a login shell."""
        client = await self._client()
        answer = await client.request(
            "terminal.open", folder=folder or "", columns=columns, rows=rows
        )
        return str(answer.get("id", ""))

    async def attach(self, terminal_id: str, *, columns: int, rows: int) -> AgentTerminalStream:
        """Watch a terminal."""
        client = await self._client()
        call = client.call("terminal.attach", terminal=terminal_id, columns=columns, rows=rows)
        return AgentTerminalStream(client, call, terminal_id)

    async def list(self) -> tuple[TerminalInfo, ...]:
        """The kept terminals."""
        client = await self._client()
        answer = await client.request("terminal.list")
        try:
            return tuple(
                TerminalInfo(
                    id=str(one["id"]),
                    title=str(one["title"])[:80],
                    started=float(one["started"]),
                    alive=bool(one["alive"]),
                    exit_code=one["exit_code"],
                )
                for one in answer["terminals"]
            )
        except (KeyError, TypeError, ValueError) as error:
            message = "The host answered something that is no list of terminals."
            raise AgentError(message) from error

    async def close(self, terminal_id: str) -> None:
        """End the shell and what it started."""
        client = await self._client()
        await client.request("terminal.close", terminal=terminal_id)
