"""Jobs that have ended, remembered on the host: the schedd forgets them after a while."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Protocol

from vispa_panel.jobs.queue import JobInfo, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vispa_panel.workspace.commands import Commands

MOST = 20_000
"""Jobs that are read back, the newest."""

MOST_BYTES = 32 << 20
_PLACE = 'd="${XDG_DATA_HOME:-$HOME/.local/share}/vispa/jobs"; f="$d/ended.jsonl"; '
_KINDS = {field.name: str(field.type) for field in fields(JobInfo)}


class JobArchive(Protocol):
    """What has ended, for ever."""

    async def load(self) -> tuple[JobInfo, ...]:
        """Everything that was kept; may hold a job twice."""
        ...

    async def keep(self, jobs: Sequence[JobInfo]) -> None:
        """Add jobs that have ended."""
        ...


class HostArchive:
    """Implements :class:`JobArchive` by a file of JSON lines in the user's own data folder."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def load(self) -> tuple[JobInfo, ...]:
        """The newest lines; one that is damaged is passed over."""
        done = await self._commands.run(
            _PLACE + f'[ ! -e "$f" ] || tail -n {MOST} -- "$f"', limit=MOST_BYTES
        )
        return await asyncio.to_thread(_read, done.out.splitlines())

    async def keep(self, jobs: Sequence[JobInfo]) -> None:
        """Append them by one write."""
        if jobs:
            lines = await asyncio.to_thread(_written, jobs)
            await self._commands.run(
                _PLACE + 'umask 077; mkdir -p "$d" && cat >> "$f"', data=lines, limit=1000
            )


def _written(jobs: Iterable[JobInfo]) -> bytes:
    return b"".join(json.dumps(asdict(job)).encode() + b"\n" for job in jobs)


def _read(lines: list[bytes]) -> tuple[JobInfo, ...]:
    return tuple(job for line in lines if (job := _job(line)) is not None)


def _job(line: bytes) -> JobInfo | None:
    try:
        kept = json.loads(line)
        if not isinstance(kept, dict) or not set(kept) <= set(_KINDS):
            return None
        values = {name: _checked(_KINDS[name], value) for name, value in kept.items()}
        return JobInfo(**values)
    except (TypeError, ValueError, RecursionError):
        return None


def _checked(kind: str, value: Any) -> Any:  # noqa: ANN401 - from JSON to a field
    if value is None and kind.endswith("None"):
        return None
    if kind == "JobState":
        return JobState(value)
    wanted = {"str": (str,), "int": (int,), "float": (int, float)}[kind.removesuffix(" | None")]
    if type(value) not in wanted:
        raise TypeError
    return value
