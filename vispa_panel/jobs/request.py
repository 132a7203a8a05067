"""What a person wants to have run: a request, its points, and the presets of a site.

A request is also kept as JSON beside the results, so that it can be edited and submitted again;
what is read back there was written by anybody and is checked like any input.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from vispa_panel.errors import JobRefused

MOST_POINTS = 10_000
"""Jobs in one request."""

MOST_JSON = 32 << 20
"""Bytes of a kept request that are read back."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One job of many: its folder (relative to the request's), its arguments, its values."""

    folder: str
    argv: tuple[str, ...]
    values: Pairs = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """What a site offers to beginners; memory and disk in MB, ``runtime`` in seconds."""

    name: str
    title: str
    cpus: int = 1
    memory: int | None = None
    disk: int | None = None
    gpus: int = 0
    runtime: int | None = None
    extra: Pairs = ()


PRESETS = (
    Preset("short", "Short: 1 core, 2 GB, at most an hour", memory=2000, runtime=3600),
    Preset("long", "Long: 1 core, 2 GB", memory=2000),
    Preset("memory", "Big memory: 1 core, 12 GB", memory=12_000),
    Preset("gpu", "One GPU: 2 cores, 8 GB", cpus=2, memory=8000, gpus=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A command to run in a folder, once or at many points.

    ``argv[0]`` is a program; ``points`` (when there are any) bring arguments of their own. Memory
    and disk are in MB, ``runtime`` in seconds; None leaves it to the pool. ``transfer`` copies
    files to a worker without the shared file system. ``merge_output`` puts output and errors into
    one file in the order they came. ``before`` and ``after`` are shell lines around each job.
    ``extra`` are further commands of a submit description.
    """

    argv: tuple[str, ...]
    folder: str
    name: str = ""
    document: str = ""
    cpus: int = 1
    memory: int | None = None
    disk: int | None = None
    gpus: int = 0
    runtime: int | None = None
    input_files: tuple[str, ...] = ()
    environment: Pairs = ()
    points: tuple[Point, ...] = ()
    priority: int = 0
    transfer: bool = False
    merge_output: bool = False
    before: str = ""
    after: str = ""
    extra: Pairs = ()

    @property
    def count(self) -> int:
        """How many jobs it makes."""
        return len(self.points) or 1

    def with_preset(self, preset: Preset) -> JobRequest:
        """The same with what a preset asks for."""
        return replace(
            self,
            cpus=preset.cpus,
            memory=preset.memory,
            disk=preset.disk,
            gpus=preset.gpus,
            runtime=preset.runtime,
            extra=preset.extra,
        )

    def only(self, numbers: tuple[int, ...]) -> JobRequest:
        """The same with some of its jobs, by their numbers from 0; raises JobRefused."""
        if not self.points:
            return self
        try:
            return replace(self, points=tuple(self.points[number] for number in numbers))
        except IndexError as error:
            message = "The kept request does not have these jobs."
            raise JobRefused(message) from error


def shell_request(command: str, *, folder: str, document: str = "", name: str = "") -> JobRequest:
    """One job that runs a command line by a login shell, as Execute does on the login host."""
    return JobRequest(
        argv=("/bin/bash", "-lc", command),
        folder=folder,
        document=document,
        name=name or posixpath.basename(document) or command.split(maxsplit=1)[0],
        merge_output=True,
    )


def records_folder(request: JobRequest, key: str) -> str:
    """Where description, request, log and output of a request are kept: beside its results."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", request.name).strip("._")[:40] or "job"
    return posixpath.join(request.folder, "jobs", f"{name}-{key}")


def request_as_json(request: JobRequest) -> bytes:
    """As it is kept beside the results."""
    return json.dumps(asdict(request), ensure_ascii=True).encode()


def request_from_json(data: bytes) -> JobRequest:
    """A request that was kept; raises JobRefused for anything else."""
    message = "The kept request cannot be read."
    try:
        kept = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise JobRefused(message) from error
    names = {field.name for field in fields(JobRequest)}
    if not isinstance(kept, dict) or not {"argv", "folder"} <= set(kept) <= names:
        raise JobRefused(message)
    try:
        values = {name: _READERS.get(name, _text)(value) for name, value in kept.items()}
    except (TypeError, ValueError, KeyError) as error:
        raise JobRefused(message) from error
    return JobRequest(**values)


def _text(value: Any) -> str:  # noqa: ANN401 - from JSON
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:  # noqa: ANN401 - from JSON
    if type(value) is not int:
        raise TypeError
    return value


def _perhaps(value: Any) -> int | None:  # noqa: ANN401 - from JSON
    return None if value is None else _number(value)


def _flag(value: Any) -> bool:  # noqa: ANN401 - from JSON
    if type(value) is not bool:
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - from JSON
    return tuple(_text(one) for one in list(value))


def _pairs(value: Any) -> Pairs:  # noqa: ANN401 - from JSON
    return tuple((_text(name), _text(one)) for name, one in list(value))


def _points(value: Any) -> tuple[Point, ...]:  # noqa: ANN401 - from JSON
    return tuple(
        Point(_text(one["folder"]), _texts(one["argv"]), _pairs(one["values"]))
        for one in list(value)
    )


_READERS: dict[str, Any] = {
    "argv": _texts,
    "input_files": _texts,
    "environment": _pairs,
    "extra": _pairs,
    "points": _points,
    "cpus": _number,
    "gpus": _number,
    "priority": _number,
    "memory": _perhaps,
    "disk": _perhaps,
    "runtime": _perhaps,
    "transfer": _flag,
    "merge_output": _flag,
}
