"""Writes submit descriptions for HTCondor; reads none, here or anywhere in the portal.

HTCondor's own parser runs commands while it reads (``include command``), so what people write is
only ever parsed on their host. Here every value passes one gate: no line ends, no macros, no line
that goes on; arguments and environment are quoted by HTCondor's new syntax.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from vispa_panel.errors import JobRefused
from vispa_panel.jobs.request import MOST_POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vispa_panel.jobs.request import JobRequest, Pairs

OUTPUT, ERROR, LOG = "output.txt", "error.txt", "events.log"
DESCRIPTION, REQUEST = "job.sub", "request.json"

LONGEST = 100_000
"""Characters of one value."""

_MACRO = re.compile(r"\$+[A-Za-z0-9_]*[(\[]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_COMMAND = re.compile(r"(?:\+|[Mm][Yy]\.)?[A-Za-z_][A-Za-z0-9_]{0,79}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_OWN = frozenset(
    [
        *("queue", "include", "use", "if", "elif", "else", "endif"),
        *("executable", "arguments", "args", "initialdir", "initial_dir", "universe"),
        *("output", "error", "log", "environment", "env", "transfer_executable"),
    ]
)
_STEP = re.compile(r"[A-Za-z0-9_=@%+.-]{1,200}(?:/[A-Za-z0-9_=@%+.-]{1,200})*")
"""A point's folder: what stands first on its line must have no blank and no comma."""

_AROUND = (
    'before=$1; after=$2; shift 2; /bin/bash -lc "$before" || exit; '
    '"$@"; code=$?; /bin/bash -lc "$after"; exit $code'
)


def plain(value: str, what: str) -> str:
    """The value, if a submit description can hold it as it is; raises JobRefused."""
    if len(value) > LONGEST:
        message = f"The {what} is longer than {LONGEST:,} characters."
        raise JobRefused(message)
    if _CONTROL.search(value):
        message = f"The {what} holds a line end or another control character."
        raise JobRefused(message, next_step="Put it into a script and run that.")
    if _MACRO.search(value):
        message = f"The {what} holds “$(”, which HTCondor would replace."
        raise JobRefused(message, next_step="Put it into a script, or write `...` for $(...).")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        message = f"The {what} is not UTF-8."
        raise JobRefused(message) from error
    return value


def _line(value: str, what: str) -> str:
    """A value that fills the rest of its line."""
    plain(value, what)
    if value != value.strip() or value.endswith("\\") or not value:
        message = f"The {what} is empty, has a blank at an end, or ends with a backslash."
        raise JobRefused(message)
    return value


def _path(value: str, what: str) -> str:
    _line(value, what)
    if not value.startswith("/"):
        message = f"The {what} is no absolute path."
        raise JobRefused(message)
    return value


def quoted(words: Sequence[str], what: str) -> str:
    """Words in HTCondor's new syntax, with the double quotes around; raises JobRefused."""
    return '"' + " ".join(_word(plain(word, what)) for word in words) + '"'


def _word(word: str) -> str:
    word = word.replace('"', '""')
    if word and not re.search(r"[\s']", word):
        return word
    return "'" + word.replace("'", "''") + "'"


def class_ad_text(value: str, what: str) -> str:
    """A string of HTCondor's expression language; raises JobRefused."""
    plain(value, what)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command_of(request: JobRequest, argv: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The program (absolute) and its arguments; raises JobRefused."""
    if not argv or not argv[0]:
        message = "There is no program to run."
        raise JobRefused(message)
    if request.before or request.after:
        around = ("job", request.before or ":", request.after or ":")
        return "/bin/bash", ("-c", _AROUND, *around, *argv)
    if argv[0].startswith("/"):
        return argv[0], tuple(argv[1:])
    return "/usr/bin/env", tuple(argv)


def write_description(request: JobRequest, *, records: str, home: str = "") -> str:
    """The submit description of a request; raises JobRefused for what cannot be told so."""
    if request.count > MOST_POINTS:
        message = f"{request.count:,} jobs are more than one request may have ({MOST_POINTS:,})."
        raise JobRefused(message)
    return "\n".join([*_head(request, records, home), *_tail(request)]) + "\n"


def _head(request: JobRequest, records: str, home: str) -> Iterator[str]:
    program, arguments = command_of(request, request.argv)
    many = bool(request.points)
    if many:
        programs = {command_of(request, point.argv)[0] for point in request.points}
        if len(programs) != 1:
            message = "The jobs of one request run one program."
            raise JobRefused(message)
        (program,) = programs
    yield "universe = vanilla"
    yield f"executable = {_path(program, 'program')}"
    words = "$(point_arguments)" if many else quoted(arguments, "command")
    yield f"arguments = {words}"
    folder = _path(request.folder, "folder").rstrip("/")
    yield f"initialdir = {folder + '/$(point_folder)' if many else folder}"
    records = _path(records, "records' folder")
    place = "" if many else records + "/"
    yield f"output = {place}{OUTPUT}"
    yield f"error = {place}{OUTPUT if request.merge_output else ERROR}"
    yield f"log = {records}/{LOG}"
    yield f"environment = {quoted(list(_environment(request.environment, home)), 'environment')}"
    yield from _resources(request)
    yield from _files(request)
    if request.name:
        yield f"batch_name = {_line(request.name.strip(), 'name')}"
    for name, value in request.extra:
        if not _COMMAND.fullmatch(name) or name.lower() in _OWN:
            message = f"{name[:80]!r} cannot be set here."
            raise JobRefused(message, next_step="Edit the description itself.")
        yield f"{name} = {_line(value, name)}"


def _environment(pairs: Pairs, home: str) -> Iterator[str]:
    # A job's output is a file, and Python would keep lines back; HTCondor sets no HOME.
    given = {"PYTHONUNBUFFERED": "1"} | ({"HOME": home} if home else {}) | dict(pairs)
    for name, value in given.items():
        if not _VARIABLE.fullmatch(name):
            message = f"{name[:80]!r} is no name of an environment variable."
            raise JobRefused(message)
        yield f"{name}={value}"


def _resources(request: JobRequest) -> Iterator[str]:
    yield f"request_cpus = {_count(request.cpus, 1, 'cores')}"
    if request.memory is not None:
        yield f"request_memory = {_count(request.memory, 1, 'memory')}"
    if request.disk is not None:
        yield f"request_disk = {_count(request.disk, 1, 'disk')} MB"
    if request.gpus:
        yield f"request_gpus = {_count(request.gpus, 1, 'GPUs')}"
    if request.runtime is not None:
        yield f"allowed_execute_duration = {_count(request.runtime, 1, 'run time')}"
    if request.priority:
        yield f"priority = {_count(request.priority, -(1 << 30), 'priority')}"


def _count(value: int, least: int, what: str) -> int:
    if not least <= value <= 1 << 30:
        message = f"{value} is no possible number for the {what}."
        raise JobRefused(message)
    return value


def _files(request: JobRequest) -> Iterator[str]:
    yield "transfer_executable = false"
    if not request.transfer:
        yield "should_transfer_files = NO"
        return
    yield "should_transfer_files = YES"
    yield "when_to_transfer_output = ON_EXIT"
    yield "stream_output = true"
    yield "stream_error = true"
    if request.input_files:
        if any("," in name for name in request.input_files):
            message = "A comma cannot stand in the name of an input file."
            raise JobRefused(message)
        names = ", ".join(_line(name, "input file") for name in request.input_files)
        yield f"transfer_input_files = {names}"


def _tail(request: JobRequest) -> Iterator[str]:
    if not request.points:
        yield "queue"
        return
    yield "queue point_folder, point_arguments from ("
    for point in request.points:
        _, arguments = command_of(request, point.argv)
        yield f"{_step(point.folder)} {quoted(arguments, 'command')}"
    yield ")"


def _step(folder: str) -> str:
    if not _STEP.fullmatch(folder) or {".", ".."} & set(folder.split("/")):
        message = f"{folder[:80]!r} is no name for a job's folder."
        raise JobRefused(message)
    return folder


def point_folders(request: JobRequest) -> tuple[str, ...]:
    """Each point's own folder, below the request's; raises JobRefused for any other place."""
    return tuple(posixpath.join(request.folder, _step(point.folder)) for point in request.points)
