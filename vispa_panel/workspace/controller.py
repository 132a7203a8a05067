"""The controller of one browser session: everything a page shows of a workspace hangs on it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import param

from vispa_panel.errors import FileMissing, PortalError
from vispa_panel.workspace.documents import OpenDocument
from vispa_panel.workspace.file_names import display_name, fill_command
from vispa_panel.workspace.followed_run import FollowedRun
from vispa_panel.workspace.open_tabs import OpenTabs, Tab

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from vispa_panel.extensions import Registry
    from vispa_panel.workspace.connection import Connection
    from vispa_panel.workspace.definition import WorkspaceDefinition
    from vispa_panel.workspace.documents import DraftStore
    from vispa_panel.workspace.files import Files
    from vispa_panel.workspace.runs import Runs
    from vispa_panel.workspace.terminals import Terminals

_LOG = logging.getLogger(__name__)

MOST_OUTPUT_FOLLOWED = 100
"""Runs that one session follows; older ones are still on the host."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A short message for the person: ``level`` is info, success, warning or error."""

    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceServices:
    """What a session needs of one workspace; ``release`` gives the shared connection back."""

    connection: Connection
    files: Files
    runs: Runs
    terminals: Terminals
    drafts: DraftStore
    release: Callable[[], Coroutine[Any, Any, None]]


class TabMemory(Protocol):
    """Where the open tabs are remembered."""

    async def load(self, key: str) -> object:
        """What was saved under the key, or None."""
        ...

    async def save(self, key: str, value: object) -> None:
        """Remember plain values under the key."""
        ...


class WorkspaceController(param.Parameterized):
    """State and actions of one browser session; pages and components are bound to it."""

    workspaces = param.ClassSelector(
        class_=tuple, default=(), doc="The definitions one can choose from."
    )
    workspace: WorkspaceDefinition | None = param.Parameter(
        default=None, doc="The chosen definition, or None."
    )  # type: ignore[assignment]
    state = param.String(default="closed", doc="The state of its connection.")
    message = param.String(doc="The connection's state as a sentence.")
    ready = param.Boolean(default=False, doc="Whether the home folder is known: work can begin.")
    home = param.String(default="", doc="The folder a person starts in.")
    tabs: OpenTabs = param.ClassSelector(class_=OpenTabs, default=OpenTabs(), doc="The open tabs.")  # type: ignore[assignment]
    notice: Notice | None = param.ClassSelector(
        class_=Notice, allow_None=True, doc="The newest message."
    )  # type: ignore[assignment]
    changed_folder = param.String(doc="A folder whose content just changed by our own doing.")

    def __init__(
        self,
        *,
        workspaces: tuple[WorkspaceDefinition, ...],
        open_services: Callable[[WorkspaceDefinition], WorkspaceServices],
        registry: Registry,
        memory: TabMemory,
    ) -> None:
        super().__init__(workspaces=workspaces)
        self.registry = registry
        self._open_services = open_services
        self._memory = memory
        self._services: WorkspaceServices | None = None
        self._watchers: list[tuple[param.Parameterized, Any]] = []
        self._documents: dict[str, OpenDocument] = {}
        self._runs: dict[str, FollowedRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = asyncio.Lock()
        self.param.watch(self._remember_tabs, "tabs")

    # -- the workspace ----------------------------------------------------------------------

    @property
    def services(self) -> WorkspaceServices:
        """The chosen workspace's services; raises PortalError when none is chosen."""
        if self._services is None:
            message = "No workspace is open."
            raise PortalError(message, next_step="Choose one in the bar at the top.")
        return self._services

    @property
    def files(self) -> Files:
        """The files of the chosen workspace."""
        return self.services.files

    async def select(self, workspace_id: str) -> None:
        """Leave the present workspace and connect to another one."""
        if self.workspace is not None and self.workspace.id == workspace_id:
            return
        definition = next((one for one in self.workspaces if one.id == workspace_id), None)
        if definition is None:
            self.tell("error", "This workspace is not known any more.")
            return
        async with self._begun:
            await self._leave()
            self._services = services = self._open_services(definition)
            connection = services.connection
            watcher = connection.param.watch(self._connection_changed, ["state", "message"])
            self._watchers.append((connection, watcher))
            self.param.update(workspace=definition, ready=False, home="")
            self._connection_changed()
        self.spawn(self._connect(services))

    async def _connect(self, services: WorkspaceServices) -> None:
        await services.connection.open()
        await self._begin()

    def _connection_changed(self, *_: object) -> None:
        if self._services is None:
            return
        connection = self._services.connection
        self.param.update(state=str(connection.state), message=connection.message)
        if self.state == "connected":
            for run in self._runs.values():
                if run.problem:
                    run.start()
            if not self.ready:
                self.spawn(self._begin())

    async def _begin(self) -> None:
        """Once the host answers: learn the home folder and bring back the tabs."""
        async with self._begun:
            if self.ready or self._services is None or self.state != "connected":
                return
            home = await self._services.files.home()
            tabs = OpenTabs.from_json(await self._memory.load(self._tabs_key))
            self.home = home
            if not self.tabs.tabs:
                self.tabs = tabs
            self.ready = True

    async def _leave(self) -> None:
        for source, watcher in self._watchers:
            source.param.unwatch(watcher)
        self._watchers.clear()
        for document in self._documents.values():
            await document.close()
        for run in self._runs.values():
            await run.close()
        self._documents.clear()
        self._runs.clear()
        services, self._services = self._services, None
        with param.parameterized.discard_events(self):
            self.tabs = OpenTabs()
        if services is not None:
            await services.release()

    async def close(self) -> None:
        """The browser session has ended: give everything back; what runs on the host goes on."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._leave()

    # -- messages and background work -------------------------------------------------------

    def tell(self, level: str, text: str) -> None:
        """Show a short message."""
        self.notice = Notice(level=level, text=text)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background; what goes wrong is told to the person.

        The work belongs to no request: it runs in a context of its own, so that views send what
        it changes in their own time.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._guarded(work), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PortalError as error:
            self.tell("error", error.advice)
        except Exception:  # noqa: BLE001 - the edge of background work: a fault becomes a message
            _LOG.exception("background work failed")
            self.tell("error", "Something went wrong in the portal; it has been written down.")

    # -- tabs -------------------------------------------------------------------------------

    @property
    def _tabs_key(self) -> str:
        return f"tabs:{self.workspace.id if self.workspace else ''}"

    def _remember_tabs(self, *_: object) -> None:
        if self.ready:
            self.spawn(self._memory.save(self._tabs_key, self.tabs.to_json()))

    async def open_path(self, path: str) -> None:
        """Show a file or folder in a tab; raises FileError when it cannot be seen."""
        entry = await self.files.stat(path)
        tool = self.registry.for_file(entry)
        if tool is None:
            name = display_name(entry.name)
            self.tell("info", f"There is no viewer for {name} yet; you can download it.")
            return
        self.tabs = self.tabs.opened(Tab(tool=tool.name, target=entry.path))

    async def launch(self, tool_name: str) -> None:
        """Open a new tab of a launcher's tool, such as a terminal."""
        tool = self.registry.get(tool_name)
        if tool is None or tool.launch is None:
            return
        target = await tool.launch(self)
        self.tabs = self.tabs.opened(Tab(tool=tool.name, target=target))

    def activate(self, tab: Tab) -> None:
        """Bring a tab to the front of its side."""
        self.tabs = self.tabs.with_active(tab)

    def split(self) -> None:
        """Put the front tab beside the others; where two sides are shown, join them again."""
        tabs = self.tabs
        if tabs.on("right"):
            for tab in tabs.on("right"):
                tabs = tabs.moved(tab.key)
        elif len(tabs.on("left")) > 1 and (front := tabs.active_on("left")) is not None:
            tabs = tabs.moved(front.key)
        self.tabs = tabs

    async def close_tab(self, tab: Tab) -> None:
        """Close a tab and let its tool tidy up."""
        self.tabs = self.tabs.closed(tab.key)
        tool = self.registry.get(tab.tool)
        if tool is not None and tool.closed is not None:
            await tool.closed(self, tab.target)

    # -- documents and runs -----------------------------------------------------------------

    def document(self, path: str) -> OpenDocument:
        """The open document of a path; it begins to load when first asked for."""
        if path not in self._documents:
            document = OpenDocument(path, self.files, self.services.drafts)
            self._documents[path] = document
            self.spawn(document.load())
        return self._documents[path]

    async def close_document(self, path: str) -> None:
        """Let go of a document; unsaved text stays as a draft, its runs go on."""
        document = self._documents.pop(path, None)
        if document is not None:
            if document.dirty:
                self.tell("info", f"Unsaved changes of {display_name(document.title)} are kept.")
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
        info = await self.services.runs.start(line, folder=folder, document=document.path)
        return self._follow(info.id)

    async def last_run(self, document: OpenDocument) -> FollowedRun | None:
        """The newest run started from a document, going on or ended."""
        runs = await self.services.runs.list(document=document.path)
        return self._follow(runs[0].id) if runs else None

    def _follow(self, run_id: str) -> FollowedRun:
        if run_id not in self._runs:
            self._runs[run_id] = FollowedRun(self.services.runs, run_id)
            for old in list(self._runs)[:-MOST_OUTPUT_FOLLOWED]:
                self.spawn(self._runs.pop(old).close())
        run = self._runs[run_id]
        run.start()
        return run

    # -- files ------------------------------------------------------------------------------

    async def new_file(self, folder: str, name: str) -> None:
        """An empty text file, opened in the editor."""
        path = self.path_in(folder, name)
        await self.files.save_text(path, "", expected=None)
        self.touch(folder)
        await self.open_path(path)

    async def new_folder(self, folder: str, name: str) -> None:
        """An empty folder."""
        await self.files.make_folder(self.path_in(folder, name))
        self.touch(folder)

    async def rename(self, path: str, name: str) -> None:
        """Another name in the same folder."""
        folder = posixpath.dirname(path)
        await self.files.rename(path, self.path_in(folder, name))
        self.touch(folder)

    async def delete(self, path: str) -> None:
        """Remove a file, link or folder for good."""
        await self.files.delete(path)
        self.touch(posixpath.dirname(path))

    @staticmethod
    def path_in(folder: str, name: str) -> str:
        """The path of a name in a folder; raises PortalError for what is no name."""
        if not name or name in {".", ".."} or "/" in name or "\0" in name:
            message = "Please give a name without a slash."
            raise PortalError(message)
        return posixpath.join(folder, name)

    def touch(self, folder: str) -> None:
        """Tell the views that a folder's content changed."""
        self.changed_folder = ""
        self.changed_folder = folder

    async def resolve_link(self, path: str) -> None:
        """Open what the address bar asks for; a path that is gone is said in a sentence."""
        try:
            await self.open_path(path)
        except FileMissing:
            self.tell("warning", f"{display_name(path)} is not there (any more).")
