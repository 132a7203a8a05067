"""The shell: the only module that knows pages; puts every part of the portal together."""

from __future__ import annotations

import asyncio
import logging
import posixpath
import signal
from typing import TYPE_CHECKING, Any

import panel as pn

from vispa_panel.components.image_gallery import MEDIA_TYPES
from vispa_panel.errors import AgentError, PortalError, SettingsError
from vispa_panel.extensions import Registry
from vispa_panel.identity.desk import Desk
from vispa_panel.identity.roles import Role
from vispa_panel.pages import tools
from vispa_panel.pages.context import ToolContext
from vispa_panel.pages.workspace import WorkspacePage
from vispa_panel.server.garbage import spare_the_loop
from vispa_panel.server.portal import PageRoute, PortalServer, build_server
from vispa_panel.server.tickets import Download, Picture, Upload
from vispa_panel.store.memory import PREFERENCES
from vispa_panel.user_doors import UserDrafts, UserMemory, UserWorkspaces
from vispa_panel.workspace.agent_files import AgentFiles
from vispa_panel.workspace.agent_runs import AgentRuns
from vispa_panel.workspace.agent_terminals import AgentTerminals
from vispa_panel.workspace.controller import WorkspaceController
from vispa_panel.workspace.definition import SignIn, WorkspaceDefinition
from vispa_panel.workspace.files import EntryKind
from vispa_panel.workspace.pool import ConnectionPool
from vispa_panel.workspace.services import WorkspaceServices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vispa_panel.identity.sign_ins import SignInSession
    from vispa_panel.server.portal import PageContext
    from vispa_panel.server.tickets import Tickets
    from vispa_panel.settings import Settings
    from vispa_panel.workspace.files import FileEntry

DOWNLOAD_SECONDS = 300.0
PICTURE_SECONDS = 24 * 3600.0
UPLOAD_SECONDS = 3600.0
LARGEST_PICTURE = 32 << 20
"""Bytes of an image that is shown beside the code."""


class TicketLinks:
    """Addresses past the websocket, as tickets of one sign-in; implements ``Links``."""

    def __init__(self, controller: WorkspaceController, tickets: Tickets, sid: str) -> None:
        self._controller = controller
        self._tickets = tickets
        self._sid = sid

    def picture(self, entry: FileEntry) -> str:
        """An image file."""
        files = self._controller.files
        media_type = MEDIA_TYPES.get(posixpath.splitext(entry.name)[1].lower(), "")

        async def read() -> bytes:
            return await files.read_bytes(entry.path, limit=LARGEST_PICTURE)

        thing = Picture(name=entry.name, media_type=media_type, read=read)
        return self._tickets.issue(self._sid, thing, PICTURE_SECONDS)

    def download(self, entry: FileEntry) -> str:
        """A file, or a folder as a zip archive."""
        files = self._controller.files
        if entry.kind is not EntryKind.FOLDER:
            thing = Download(entry.name, entry.size, lambda: files.stream(entry.path))
            return self._tickets.issue(self._sid, thing, DOWNLOAD_SECONDS)
        if not isinstance(files, AgentFiles):
            message = "This host cannot pack folders; download single files."
            raise AgentError(message)
        archive = Download(f"{entry.name}.zip", None, lambda: files.archive(entry.path))
        return self._tickets.issue(self._sid, archive, DOWNLOAD_SECONDS)

    def upload(self, folder: str) -> str:
        """A form for a folder."""
        controller, files = self._controller, self._controller.files

        async def receive(name: str, chunks: AsyncIterator[bytes]) -> int:
            return await files.receive(controller.path_in(folder, name), chunks)

        thing = Upload(folder, receive, lambda _names: controller.touch(folder))
        return self._tickets.issue(self._sid, thing, UPLOAD_SECONDS)


def definitions(settings: Settings, session: SignInSession) -> tuple[WorkspaceDefinition, ...]:
    """The operator's workspaces as one user sees them, the default one first."""
    found = []
    for one in settings.workspaces:
        login = settings.guests.login if session.role is Role.GUEST else one.login
        definition = WorkspaceDefinition(
            id=one.id,
            name=one.name,
            host=one.host,
            port=one.port,
            login=login,
            sign_in=SignIn(one.sign_in),
            key_file=one.key_file,
            known_hosts=one.known_hosts,
            host_keys=one.host_keys,
            base_folder=one.base_folder,
            is_default=one.default,
        )
        found.append(definition.for_user(session.user_name))
    return tuple(sorted(found, key=lambda one: not one.is_default))


class Application:
    """The pages of one portal process and what they share: the pool and the tools."""

    def __init__(self, settings: Settings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk
        self.pool = ConnectionPool()
        self.registry = Registry()
        tools.register(self.registry)
        self.registry.load_installed()
        self._open: dict[str, set[WorkspaceController]] = {}
        self._users: dict[str, int] = {}
        self._closing: set[asyncio.Task[None]] = set()
        desk.sign_ins.on_end(self._signed_out)

    def pages(self) -> dict[str, PageRoute]:
        """What the server serves."""
        return {"/workspace": PageRoute(self.workspace, title=self._settings.portal.name)}

    def workspace(self, page: PageContext) -> Any:  # noqa: ANN401 - Panel's viewables
        """Build the workspace page of one browser session."""
        session = page.session
        choices = definitions(self._settings, session)
        memory = UserMemory(self._desk.memory, session.user_id)
        controller = WorkspaceController(
            workspaces=choices,
            own=UserWorkspaces(self._desk, session, self._settings.own_workspaces),
            open_services=lambda one: self._services(session.user_id, one),
            registry=self.registry,
            memory=memory,
        )
        self._users[session.sid] = session.user_id
        self._open.setdefault(session.sid, set()).add(controller)
        pn.state.on_session_destroyed(lambda _: self._leave(session.sid, controller))
        context = ToolContext(
            controller,
            TicketLinks(controller, page.tickets, session.sid),
            dark=bool(page.preferences.get("dark")),
        )
        context.param.watch(
            lambda event: controller.spawn(memory.save(PREFERENCES, {"dark": event.new})), "dark"
        )
        view = WorkspacePage(
            context,
            product=self._settings.portal.name,
            user_name=session.user_name,
            send_feedback=lambda text: self._desk.feedback.send(session.user_name, text),
        )
        # What changes between the sending of a page and its drawing is lost in the browser.
        wanted = page.arguments.get("workspace", "")
        begun = asyncio.Event()
        pn.state.onload(lambda: controller.spawn(self._begin(controller, wanted, begun)))
        # A machine of the user's own is known only once the page asks for it.
        first = next((one for one in choices if wanted in {"", one.id}), None)
        if first is not None:
            controller.spawn(self._head_start(session.user_id, first, begun))
        return view.__panel__()

    @staticmethod
    async def _begin(controller: WorkspaceController, wanted: str, begun: asyncio.Event) -> None:
        try:
            await controller.start(wanted)
        finally:
            begun.set()

    async def _head_start(
        self, user_id: int, definition: WorkspaceDefinition, begun: asyncio.Event
    ) -> None:
        """Connect while the page is on its way to the browser, until the page holds its own."""
        connection = self.pool.lease(user_id, definition)
        try:
            await connection.open()
            await connection.agent()
            await begun.wait()
        except PortalError:
            return  # the page tries by itself and tells what is wrong
        finally:
            await self.pool.release(user_id, definition)

    def _services(self, user_id: int, definition: WorkspaceDefinition) -> WorkspaceServices:
        connection = self.pool.lease(user_id, definition)
        return WorkspaceServices(
            connection=connection,
            files=AgentFiles(connection),
            runs=AgentRuns(connection.agent),
            terminals=AgentTerminals(connection.agent),
            drafts=UserDrafts(self._desk.drafts, user_id, definition.id),
            release=lambda: self.pool.release(user_id, definition),
        )

    def _leave(self, sid: str, controller: WorkspaceController) -> None:
        mine = self._open.get(sid, set())
        if controller in mine:
            mine.discard(controller)
            task = asyncio.get_running_loop().create_task(controller.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _signed_out(self, sid: str) -> None:
        for controller in self._open.pop(sid, set()):
            await controller.close()
        user_id = self._users.pop(sid, None)
        if user_id is not None and user_id not in self._users.values():
            self.pool.forget(user_id)


async def serve(settings: Settings, desk: Desk) -> None:
    """Serve until the process is asked to end."""
    pn.config.reconnect = True
    pn.extension("terminal", "codeeditor", "tabulator", notifications=True)
    application = Application(settings, desk)
    server: PortalServer = build_server(settings, desk, application.pages())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await server.start()
    spare_the_loop()
    try:
        await stop.wait()
    finally:
        await server.stop()
        await application.pool.close_all()


def run(settings: Settings) -> None:
    """Run the portal in this process; raises SettingsError when it cannot listen."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    desk = Desk.open(settings)
    try:
        asyncio.run(serve(settings, desk))
    except OSError as error:
        place = f"{settings.portal.address}:{settings.portal.port}"
        message = f"The portal cannot listen at {place}: {error.strerror}."
        raise SettingsError(message, next_step="Choose another port.") from error
    finally:
        desk.close()
