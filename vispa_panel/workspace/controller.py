"""The controller of one browser session: everything a page shows of a workspace hangs on it."""

from __future__ import annotations

import asyncio
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import param

from vispa_panel.errors import FileMissing, HostKeyUnknown, PortalError
from vispa_panel.workspace.background import Background
from vispa_panel.workspace.file_names import display_name
from vispa_panel.workspace.open_documents import OpenDocuments
from vispa_panel.workspace.open_tabs import OpenTabs, Tab

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.extensions import Registry
    from vispa_panel.workspace.connection import Connection, Secret
    from vispa_panel.workspace.definition import WorkspaceDefinition
    from vispa_panel.workspace.files import Files
    from vispa_panel.workspace.services import WorkspaceServices


class TabMemory(Protocol):
    """Where the open tabs are remembered."""

    async def load(self, key: str) -> object:
        """What was saved under the key, or None."""
        ...

    async def save(self, key: str, value: object) -> None:
        """Remember plain values under the key."""
        ...


class OwnWorkspaces(Protocol):
    """The machines that the user added."""

    allowed: bool
    """Whether this user may add any."""

    async def list(self) -> tuple[WorkspaceDefinition, ...]:
        """By name."""
        ...

    async def save(self, definition: WorkspaceDefinition) -> None:
        """Add one, or replace the one with its id; raises NotAllowed."""
        ...

    async def delete(self, workspace_id: str) -> None:
        """Forget one."""
        ...


class WorkspaceController(Background):
    """State and actions of one browser session; pages and components are bound to it."""

    workspaces: tuple[WorkspaceDefinition, ...] = param.ClassSelector(
        class_=tuple, default=(), doc="The definitions one can choose from."
    )  # type: ignore[assignment]
    workspace: WorkspaceDefinition | None = param.Parameter(
        default=None, doc="The chosen definition, or None."
    )  # type: ignore[assignment]
    connection: Connection | None = param.Parameter(
        default=None, doc="The connection to the chosen workspace, or None."
    )  # type: ignore[assignment]
    state = param.String(default="closed", doc="The state of its connection.")
    ready = param.Boolean(default=False, doc="Whether the home folder is known: work can begin.")
    home = param.String(default="", doc="The folder a person starts in.")
    tabs: OpenTabs = param.ClassSelector(class_=OpenTabs, default=OpenTabs(), doc="The open tabs.")  # type: ignore[assignment]
    changed_folder = param.String(doc="A folder whose content just changed by our own doing.")

    def __init__(
        self,
        *,
        workspaces: tuple[WorkspaceDefinition, ...],
        own: OwnWorkspaces,
        open_services: Callable[[WorkspaceDefinition], WorkspaceServices],
        registry: Registry,
        memory: TabMemory,
    ) -> None:
        super().__init__(workspaces=workspaces)
        self.registry = registry
        self.own = own
        self.documents = OpenDocuments(lambda: self.services, self)
        self._open_services = open_services
        self._memory = memory
        self._services: WorkspaceServices | None = None
        self._watchers: list[tuple[param.Parameterized, Any]] = []
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

    async def start(self, wanted: str = "") -> None:
        """Learn the user's own workspaces and connect to the wanted one, or to the first."""
        self.workspaces = (*self.workspaces, *await self.own.list())
        ids = [one.id for one in self.workspaces]
        if wanted and wanted not in ids:
            self.tell("warning", "The workspace of this address is not known (any more).")
        if ids:
            await self.select(wanted if wanted in ids else ids[0])

    async def select(self, workspace_id: str, secret: Secret | None = None) -> None:
        """Leave the present workspace and connect to another one, if need be with a secret."""
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
            watcher = connection.param.watch(self._connection_changed, ["state"])
            self._watchers.append((connection, watcher))
            self.param.update(workspace=definition, connection=connection, home="")
            self._connection_changed()
        self.spawn(self._connect(secret))

    async def _connect(self, secret: Secret | None = None) -> None:
        connection, definition = self.services.connection, self.workspace
        try:
            if secret is not None or definition not in {None, connection.definition}:
                await connection.use(secret, definition)
            else:
                await connection.open()
        except PortalError:
            return  # the connection tells it, for as long as it lasts
        await self._begin()

    def _connection_changed(self, *_: object) -> None:
        if self._services is None:
            return
        self.state = str(self._services.connection.state)
        if self.state == "connected":
            self.documents.resume()
            if not self.ready:
                self.spawn(self._begin())

    async def sign_in(self, secret: Secret) -> None:
        """Connect with a password or key that the person just gave."""
        await self._connect(secret)

    async def retry(self) -> None:
        """Connect now instead of later."""
        await self._connect()

    async def accept_host_key(self) -> None:
        """Pin the key that the host of an own workspace shows, and connect."""
        connection = self.services.connection
        problem = connection.problem
        if not isinstance(problem, HostKeyUnknown) or not connection.definition.is_own:
            return
        definition = replace(connection.definition, host_keys=(problem.public_key,))
        await self.own.save(definition)
        self._replace(definition)
        self.workspace = definition
        await self._connect()

    async def save_workspace(
        self, definition: WorkspaceDefinition, secret: Secret | None = None
    ) -> None:
        """Keep a machine of one's own and connect to it; raises NotAllowed."""
        await self.own.save(definition)
        self._replace(definition)
        if self.workspace is not None and self.workspace.id == definition.id:
            self.workspace = None  # the same machine, told anew
        await self.select(definition.id, secret)

    async def remove_workspace(self, workspace_id: str) -> None:
        """Forget a machine of one's own; what is on the machine stays there."""
        await self.own.delete(workspace_id)
        self.workspaces = tuple(
            one for one in self.workspaces if one.id != workspace_id or not one.is_own
        )
        if self.workspace is not None and self.workspace.id == workspace_id:
            if self.workspaces:
                await self.select(self.workspaces[0].id)
            else:
                await self._leave()
                self.param.update(workspace=None, connection=None, state="closed")

    def _replace(self, definition: WorkspaceDefinition) -> None:
        others = [one for one in self.workspaces if one.id != definition.id]
        self.workspaces = (*others, definition)

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
        await self.documents.close_all()
        services, self._services = self._services, None
        self.ready = False  # before the tabs go: it is not their end that is remembered
        self.tabs = OpenTabs()
        if services is not None:
            await services.release()

    async def close(self) -> None:
        """The browser session has ended: give everything back; what runs on the host goes on."""
        await self.end_work()
        await self._leave()

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
