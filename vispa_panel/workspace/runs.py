"""The door to runs: a run is a folder on the host (command, start, log, exit code, pictures)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vispa_panel.workspace.files import FileEntry


class RunState(StrEnum):
    """Where a run stands; ``LOST`` when the host restarted and nobody saw its end."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known of a run; times in seconds since 1970 UTC, ``output_size`` in bytes.

    ``document`` is the path of the file it was started from (may be empty). ``exit_code`` is
    negative for a signal, as in :mod:`subprocess`.
    """

    id: str
    command: str
    folder: str
    document: str
    state: RunState
    started: float
    ended: float | None = None
    exit_code: int | None = None
    output_size: int = 0


class Runs(Protocol):
    """The runs of one workspace. Errors are :class:`vispa_panel.errors.RunError`."""

    async def start(self, command: str, *, folder: str, document: str = "") -> RunInfo:
        """Run ``command`` by the user's shell in ``folder``, in a process group of its own."""
        ...

    async def stop(self, run_id: str) -> None:
        """End the whole process group: SIGINT, then SIGTERM after 2 s, then SIGKILL after 2 s."""
        ...

    async def get(self, run_id: str) -> RunInfo:
        """One run."""
        ...

    async def list(self, *, document: str | None = None) -> tuple[RunInfo, ...]:
        """Runs, newest first; of one document where given."""
        ...

    async def output(self, run_id: str, *, offset: int, limit: int = 1 << 16) -> bytes:
        """A piece of the log."""
        ...

    def follow(self, run_id: str) -> AsyncIterator[RunInfo]:
        """The run's info now and at each change (new output, end); ends with the run."""
        ...

    async def pictures(self, run_id: str) -> tuple[FileEntry, ...]:
        """Image files in its folder (and below) written since it started, oldest first."""
        ...

    async def forget(self, run_id: str) -> None:
        """Remove an ended run's folder."""
        ...
