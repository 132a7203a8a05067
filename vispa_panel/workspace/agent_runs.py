"""Runs, kept by the agent's keeper on the host."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from vispa_panel.errors import AgentError, FileError, RunError
from vispa_panel.workspace.files import EntryKind, FileEntry
from vispa_panel.workspace.runs import RunInfo, RunState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from vispa_panel.workspace.agent_client import AgentClient


def _info(value: dict[str, Any]) -> RunInfo:
    """A run's info from what the host says; raises AgentError for anything else."""
    try:
        ended, code = value.get("ended"), value.get("exit_code")
        return RunInfo(
            id=str(value["id"]),
            command=str(value["command"]),
            folder=str(value["folder"]),
            document=str(value["document"]),
            state=RunState(value["state"]),
            started=float(value["started"]),
            ended=None if ended is None else float(ended),
            exit_code=None if code is None else int(code),
            output_size=int(value["output_size"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        message = "The host answered something that is no run."
        raise AgentError(message) from error


def entry_from_row(row: Any, folder: str | None = None) -> FileEntry:  # noqa: ANN401
    """An entry from the agent's row; its first field is a name in ``folder``, or a path."""
    try:
        name, kind, size, modified, mode, is_link = row
        path = posixpath.join(folder, name) if folder is not None else name
        return FileEntry(
            path=path,
            name=posixpath.basename(path),
            kind=EntryKind(kind),
            size=int(size),
            modified=float(modified),
            mode=int(mode),
            is_link=bool(is_link),
        )
    except (TypeError, ValueError) as error:
        message = "The host answered something that is no list of files."
        raise AgentError(message) from error


class AgentRuns:
    """Implements :class:`~vispa_panel.workspace.runs.Runs`; ``client`` gives the agent of now."""

    def __init__(self, client: Callable[[], Awaitable[AgentClient]]) -> None:
        self._client = client

    async def _request(self, method: str, **params: object) -> dict[str, Any]:
        client = await self._client()
        try:
            return await client.request(method, **params)
        except (AgentError, FileError) as error:
            raise RunError(str(error), next_step=error.next_step) from error

    async def start(self, command: str, *, folder: str, document: str = "") -> RunInfo:
        """Run a command by the user's shell in a folder."""
        answer = await self._request("run.start", command=command, folder=folder, document=document)
        return _info(answer)

    async def stop(self, run_id: str) -> None:
        """End it and everything it started."""
        await self._request("run.stop", run=run_id)

    async def get(self, run_id: str) -> RunInfo:
        """One run."""
        return _info(await self._request("run.get", run=run_id))

    async def list(self, *, document: str | None = None) -> tuple[RunInfo, ...]:
        """The newest 200 runs, newest first."""
        answer = await self._request("run.list", document=document)
        return tuple(_info(one) for one in answer.get("runs", ()))

    async def output(self, run_id: str, *, offset: int, limit: int = 1 << 16) -> bytes:
        """A piece of the log."""
        client = await self._client()
        pieces = [
            data
            async for _, data in client.call("run.output", run=run_id, offset=offset, limit=limit)
        ]
        return b"".join(pieces)[:limit]

    async def follow(self, run_id: str) -> AsyncIterator[RunInfo]:
        """Its info now and after each change, until it has ended."""
        client = await self._client()
        async for item, _ in client.call("run.follow", run=run_id):
            yield _info(item)

    async def pictures(self, run_id: str) -> tuple[FileEntry, ...]:
        """Images in its folder written since it started."""
        run = await self.get(run_id)
        # File systems round times down, some to whole seconds.
        answer = await self._request(
            "folder.pictures", path=run.folder, since=float(int(run.started))
        )
        return tuple(entry_from_row(row) for row in answer.get("rows", ()))

    async def forget(self, run_id: str) -> None:
        """Remove an ended run's folder."""
        await self._request("run.forget", run=run_id)
