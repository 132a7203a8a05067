"""The documents a session has open, and the runs started from them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from vispa_panel.errors import PortalError
from vispa_panel.workspace.documents import OpenDocument
from vispa_panel.workspace.file_names import display_name, fill_command
from vispa_panel.workspace.followed_run import FollowedRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.workspace.background import Background
    from vispa_panel.workspace.services import WorkspaceServices

MOST_RUNS_FOLLOWED = 100
"""Runs that one session follows; older ones are still on the host."""


class OpenDocuments:
    """Documents by path and runs by id, of the workspace that ``services`` names just now."""

    def __init__(self, services: Callable[[], WorkspaceServices], background: Background) -> None:
        self._services = services
        self._background = background
        self._documents: dict[str, OpenDocument] = {}
        self._runs: dict[str, FollowedRun] = {}

    def get(self, path: str) -> OpenDocument:
        """The open document of a path; it begins to load when first asked for."""
        if path not in self._documents:
            services = self._services()
            document = OpenDocument(path, services.files, services.drafts)
            self._documents[path] = document
            self._background.spawn(document.load())
        return self._documents[path]

    async def close(self, path: str) -> None:
        """Let go of a document; unsaved text stays as a draft, its runs go on."""
        document = self._documents.pop(path, None)
        if document is not None:
            if document.dirty:
                name = display_name(document.title)
                self._background.tell("info", f"Unsaved changes of {name} are kept.")
            await document.close()

    async def execute(self, document: OpenDocument, command: str) -> FollowedRun:
        """Save the document if needed and run the command (with %file, %dir, %name) beside it.

        Raises PortalError when it cannot be saved or started.
        """
        if document.dirty and not await document.save():
            problem = document.problem
            raise problem if problem is not None else PortalError(document.status)
        folder = posixpath.dirname(document.path)
        line = fill_command(command, document.path)
        info = await self._services().runs.start(line, folder=folder, document=document.path)
        return self._follow(info.id)

    async def last_run(self, document: OpenDocument) -> FollowedRun | None:
        """The newest run started from a document, going on or ended."""
        runs = await self._services().runs.list(document=document.path)
        return self._follow(runs[0].id) if runs else None

    def resume(self) -> None:
        """Follow again the runs whose connection had broken."""
        for run in self._runs.values():
            if run.problem:
                run.start()

    async def close_all(self) -> None:
        """Let go of everything; drafts and runs stay where they are kept."""
        for document in self._documents.values():
            await document.close()
        for run in self._runs.values():
            await run.close()
        self._documents.clear()
        self._runs.clear()

    def _follow(self, run_id: str) -> FollowedRun:
        if run_id not in self._runs:
            self._runs[run_id] = FollowedRun(self._services().runs, run_id)
            for old in list(self._runs)[:-MOST_RUNS_FOLLOWED]:
                self._background.spawn(self._runs.pop(old).close())
        run = self._runs[run_id]
        run.start()
        return run
