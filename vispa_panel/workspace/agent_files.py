"""Files with the agent's help: whole folders in one answer; SFTP where there is no agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vispa_panel.errors import AgentError
from vispa_panel.workspace.agent_runs import entry_from_row
from vispa_panel.workspace.entry_order import in_order
from vispa_panel.workspace.files import FileEntry, FolderListing
from vispa_panel.workspace.sftp_files import SftpFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class AgentFiles(SftpFiles):
    """As :class:`SftpFiles`, but looks with the agent where the host can run it."""

    async def list_folder(self, path: str, *, limit: int = 100_000) -> FolderListing:
        """The entries of a folder, in one answer."""
        try:
            agent = await self._connection.agent()
        except AgentError:
            return await super().list_folder(path, limit=limit)
        call = agent.call("folder.list", path=path, limit=limit)
        entries: list[FileEntry] = []
        async for item, _ in call:
            rows: Any = item.get("rows")
            entries.extend(entry_from_row(row, path) for row in rows[: limit - len(entries)])
        truncated = bool(call.result.get("truncated"))
        return FolderListing(path, await in_order(entries), truncated)

    async def archive(self, path: str) -> AsyncIterator[bytes]:
        """A folder as a zip archive, made while it is read; raises AgentError without agent."""
        agent = await self._connection.agent()
        async for _, data in agent.call("folder.zip", path=path):
            yield data
