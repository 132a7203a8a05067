"""The portal as one object: build it, start it, stop it."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bokeh.server.urls
import panel as pn
from bokeh.application.handlers.handler import Handler
from bokeh.server.urls import toplevel_patterns
from tornado.ioloop import IOLoop

from vispa_panel.errors import NotAllowed, PortalError
from vispa_panel.identity.roles import Role
from vispa_panel.server import bokeh_handlers as pages_of_bokeh
from vispa_panel.server.file_handlers import DownloadHandler, PictureHandler, UploadHandler
from vispa_panel.server.guard import NotFound
from vispa_panel.server.html import ASSETS
from vispa_panel.server.sign_in_handlers import Health, Home, SignIn, SignOut, TryAsGuest
from vispa_panel.server.state import PortalState
from vispa_panel.server.tickets import Tickets
from vispa_panel.server.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import tornado.httpserver
    from tornado.web import RequestHandler

    from vispa_panel.identity.desk import Desk
    from vispa_panel.identity.sign_ins import SignInSession
    from vispa_panel.settings import Settings

_LOG = logging.getLogger(__name__)
_SWEEP_SECONDS = 2.0
EVERYBODY = frozenset(Role)


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page builder gets; ``arguments`` are the query's values, the last of each name."""

    session: SignInSession
    tickets: Tickets
    desk: Desk
    settings: Settings
    arguments: Mapping[str, str]
    preferences: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A page: its builder, its title, and who may open it."""

    build: Callable[[PageContext], Any]
    title: str = "V/SPA²"
    roles: frozenset[Role] = EVERYBODY


class _BindToSignIn(Handler):
    """Puts the sign-in's public id into the signed token of each page."""

    def modify_document(self, doc: object) -> None:
        """Nothing: only the token matters."""

    def process_request(self, request: object) -> dict[str, Any]:
        """The value that the websocket must match."""
        return {"portal_sid": getattr(request, "portal_sid", "")}


class PortalServer:
    """Serves ``pages`` (path such as ``/workspace`` to route) to those who are signed in."""

    def __init__(self, settings: Settings, desk: Desk, pages: Mapping[str, PageRoute]) -> None:
        self.settings = settings
        self.desk = desk
        self.tickets = Tickets()
        self.watchdog = Watchdog()
        self._pages = pages
        self.state = PortalState(
            settings, desk, self.tickets, self.watchdog, {p: r.roles for p, r in pages.items()}
        )
        desk.sign_ins.on_end(self.state.forget)
        self._server: Any = None
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address to open in the browser."""
        public = self.settings.portal.public_url.rstrip("/")
        return public or f"http://127.0.0.1:{self._server.port}"

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._server.port
        return port

    async def start(self) -> None:
        """Listen on the running loop; raises OSError when the port is taken."""
        # No address of another origin in any page.
        os.environ["BOKEH_RESOURCES"] = "server"
        before = bokeh.server.urls.per_app_patterns[:]
        stop_signal = signal.getsignal(signal.SIGINT)
        bokeh.server.urls.per_app_patterns[:] = pages_of_bokeh.PER_PAGE
        try:
            self._server = self._make()
        finally:
            bokeh.server.urls.per_app_patterns[:] = before
            if _in_main_thread():
                signal.signal(signal.SIGINT, stop_signal)
        for context in self._server._tornado._applications.values():  # noqa: SLF001 - no other way
            context.application.add(_BindToSignIn())
        self.state.answer_at(self._server.port)
        self._server.start()
        self.watchdog.start()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def stop(self) -> None:
        """Close every page and stop listening; the desk stays open for whoever opened it."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        for sockets in tuple(self.state.sockets.values()):
            for socket in tuple(sockets):
                socket.close(1001, "the portal stops")
        await self.watchdog.stop()
        if self._server is not None:
            self._server.stop()
            http: tornado.httpserver.HTTPServer = self._server._http  # noqa: SLF001 - no other way
            await http.close_all_connections()

    def _make(self) -> Any:  # noqa: ANN401 - Panel's server
        portal, limits = self.settings.portal, self.settings.limits
        self.state.signing_key = _signing_key(portal.data_folder)
        return pn.io.server.get_server(
            {path.strip("/"): self._builder(route) for path, route in self._pages.items()},
            title={path.strip("/"): route.title for path, route in self._pages.items()},
            port=portal.port,
            address=portal.address,
            loop=IOLoop.current(),
            auth_provider=pages_of_bokeh.PortalAuth(),
            sign_sessions=True,
            secret_key=self.state.signing_key,
            include_cookies=[],
            include_headers=["Host", "User-Agent"],
            cross_origin_protection=True,
            extra_patterns=list(_routes()),
            default_handler_class=NotFound,
            use_index=False,
            redirect_root=False,
            portal=self.state,
            log_function=_log_request,
            session_token_expiration=limits.page_token_hours * 3600,
            websocket_max_message_size=limits.message_megabytes << 20,
            http_server_kwargs={
                "max_body_size": 1 << 20,
                "max_header_size": 16384,
                "idle_connection_timeout": 75,
                "body_timeout": 60,
                "xheaders": portal.behind_proxy,
            },
        )

    def _builder(self, route: PageRoute) -> Callable[[], Any]:
        def build() -> Any:  # noqa: ANN401 - any viewable
            try:
                session = self.current_sign_in()
                if session.role not in route.roles:
                    _refuse()
                context = PageContext(
                    session,
                    self.tickets,
                    self.desk,
                    self.settings,
                    _arguments(),
                    self.state.preferences.get(session.sid, {}),
                )
                return route.build(context)
            except PortalError as error:
                return pn.pane.Str(error.advice)
            except Exception:  # noqa: BLE001 - the edge: a visitor sees a sentence, the log the rest
                reference = secrets.token_hex(4)
                _LOG.exception("page failed, reference %s", reference)
                return pn.pane.Str(f"This page could not be built. Reference: {reference}.")

        return build

    def current_sign_in(self) -> SignInSession:
        """Whose page this is, inside a callback of it; raises NotAllowed once signed out."""
        context: Any = pn.state.curdoc.session_context if pn.state.curdoc else None
        sid = context.token_payload.get("portal_sid", "") if context else ""
        session = self.state.present.get(sid)
        if session is None:
            message = "You are signed out."
            raise NotAllowed(message, next_step="Sign in again.")
        return session

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                await self.desk.sign_ins.sweep(tuple(self.state.present))
                await self.desk.accounts.forget_expired_guests()
            except Exception:  # noqa: BLE001 - the sweeper outlives a database that is away for a moment
                _LOG.exception("looking for ended sign-ins failed")


def _refuse() -> None:
    message = "You may not open this page."
    raise NotAllowed(message)


def _arguments() -> dict[str, str]:
    return {
        name: values[-1].decode("utf-8", "replace")
        for name, values in (pn.state.session_args or {}).items()
        if values
    }


def _routes() -> Iterator[tuple[Any, ...]]:
    yield r"/", Home
    yield r"/sign-in", SignIn
    yield r"/guest", TryAsGuest
    yield r"/sign-out", SignOut
    yield r"/healthz", Health
    yield r"/dl/([A-Za-z0-9_-]{43})", DownloadHandler
    yield r"/picture/([A-Za-z0-9_-]{43})", PictureHandler
    yield r"/up/([A-Za-z0-9_-]{43})", UploadHandler
    yield r"/style/([a-z_]+\.css)", pages_of_bokeh.StyleFiles, {"path": str(ASSETS / "css")}
    yield r"/components/(.*)", pages_of_bokeh.ComponentFiles
    extensions: Any = next(p for p in toplevel_patterns if "extensions" in p[0])
    yield extensions[0], pages_of_bokeh.ExtensionFiles, extensions[2]
    yield r"/static/(.*)", pages_of_bokeh.BokehFiles
    yield r"/favicon.ico", NotFound


def _signing_key(folder: Path) -> bytes:
    """48 random bytes, made once, readable by the portal alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "signing.key"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    else:
        with os.fdopen(handle, "wb") as opened:
            opened.write(secrets.token_bytes(48).hex().encode("ascii"))
    return file.read_bytes()


def _log_request(handler: RequestHandler) -> None:
    _LOG.info("%s %d", PortalState.short(handler.request), handler.get_status())


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def build_server(settings: Settings, desk: Desk, pages: Mapping[str, PageRoute]) -> PortalServer:
    """A portal that is not started yet."""
    return PortalServer(settings, desk, pages)
