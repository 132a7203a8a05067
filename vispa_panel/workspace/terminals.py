"""The door to a terminal: bytes out, bytes in, a size, and an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TerminalInfo:
    """A terminal kept on the host.

    ``started`` in seconds since 1970 UTC, ``title`` as its program set it.
    """

    id: str
    title: str
    started: float
    alive: bool
    exit_code: int | None = None


class TerminalStream(Protocol):
    """One attachment to a terminal; several may watch the same one.

    Back-pressure: the host sends at most the granted window of unacknowledged bytes. The reader
    calls :meth:`acknowledge` when the bytes have been *drawn*, which lets the host go on.
    """

    async def read(self) -> bytes:
        """The next output (first the kept scrollback), up to 64 KiB; ``b""`` once it has ended."""
        ...

    def acknowledge(self, count: int) -> None:
        """``count`` bytes have been drawn."""
        ...

    def write(self, data: bytes) -> None:
        """Keys typed, or a paste."""
        ...

    def resize(self, columns: int, rows: int) -> None:
        """The size of the screen in characters."""
        ...

    async def detach(self) -> None:
        """Stop watching; the terminal lives on."""
        ...


class Terminals(Protocol):
    """The terminals of one workspace."""

    async def open(self, *, folder: str | None = None, columns: int = 80, rows: int = 24) -> str:
        """Start a login shell in ``folder`` (the home folder by default); returns its id."""
        ...

    async def attach(self, terminal_id: str, *, columns: int, rows: int) -> TerminalStream:
        """Watch a terminal: its scrollback first, then what comes."""
        ...

    async def list(self) -> tuple[TerminalInfo, ...]:
        """The kept terminals, oldest first."""
        ...

    async def close(self, terminal_id: str) -> None:
        """End the shell and everything it started in its session."""
        ...
