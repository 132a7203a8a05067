"""Bokeh's handlers of a page, its websocket and its metadata, each behind the sign-in."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sys
from importlib.metadata import version
from typing import Any

import panel.io.server as panel_server
from bokeh.server.auth_provider import AuthProvider
from bokeh.server.views.metadata_handler import MetadataHandler
from bokeh.server.views.multi_root_static_handler import MultiRootStaticHandler
from bokeh.server.views.static_handler import StaticHandler
from bokeh.util.token import check_token_signature, get_token_payload
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from vispa_panel.server.content_policy import page_policy, with_nonce
from vispa_panel.server.guard import Guard, NotFound, SignedIn

_COMPONENT_MODULES = re.compile(r"(panel|panel_material_ui|vispa_panel)(\.[A-Za-z0-9_]+)*")
_FROM_CLIENT = ("bokeh-session-id", "bokeh-token")


_WIDGETS = (
    "/static/extensions/panel-material-ui/panel-material-ui.bundle.js?"
    + hashlib.md5(version("panel-material-ui").encode(), usedforsecurity=False).hexdigest()
)
"""Where the page will look for panel-material-ui's module."""


class PortalAuth(AuthProvider):
    """Bokeh asks this who somebody is; the answer is the sign-in session or None."""

    @property
    def get_user(self) -> None:
        """Nobody is looked up synchronously."""
        return

    @property
    def get_user_async(self) -> Any:  # noqa: ANN401 - Bokeh's
        """Look up the cookie."""

        async def look_up(handler: RequestHandler) -> object:
            return await handler.settings["portal"].who(handler)

        return look_up

    @property
    def login_url(self) -> str:
        """Where nobody is sent to."""
        return "/sign-in"

    @property
    def get_login_url(self) -> None:
        """``login_url`` is enough."""
        return

    @property
    def logout_url(self) -> None:
        """Signing out is a handler of ours."""
        return


class PageHandler(SignedIn, panel_server.DocHandler):
    """A page: only for a role that may, never in a session chosen by the client."""

    async def prepare(self) -> None:
        """Refuse client-chosen sessions, then other roles."""
        await super().prepare()
        named = [name for name in _FROM_CLIENT if name in self.request.arguments]
        if named or "Bokeh-Session-Id" in self.request.headers:
            raise HTTPError(400)
        session = self.current_user
        if session is not None:
            if not self.portal.allowed(self.request.path, session.role):
                raise HTTPError(403)
            self.request.portal_sid = session.sid  # type: ignore[attr-defined]
            await self.portal.learn_preferences(session)

    def write(self, chunk: str | bytes | dict[str, Any]) -> None:
        """The page, its scripts marked with a nonce that is used once."""
        if isinstance(chunk, str):
            nonce = secrets.token_urlsafe(18)
            self.set_header("Content-Security-Policy", page_policy(nonce))
            # The largest module is asked for last otherwise, when all the others have run.
            self.set_header("Link", f"<{_WIDGETS}>; rel=modulepreload; nonce={nonce}")
            chunk = with_nonce(chunk, nonce)
        super().write(chunk)


class SocketHandler(panel_server.WSHandler):
    """The websocket of a page: our host, our origin, the page's own sign-in, its role."""

    async def prepare(self) -> None:
        """Refuse before the handshake."""
        portal = self.settings["portal"]
        if self.request.host.lower() not in portal.hosts:
            raise HTTPError(421)
        session = await portal.who(self)
        if session is None or not portal.origin_is_ours(self.request.headers.get("Origin", "")):
            raise HTTPError(403)
        if not portal.allowed(self.request.path.removesuffix("/ws"), session.role):
            raise HTTPError(403)
        if self._sid_of_token() is None or not hmac.compare_digest(
            self._sid_of_token() or "", session.sid
        ):
            raise HTTPError(403)
        self.current_user = session
        self.request.portal_sid = session.sid  # type: ignore[attr-defined]

    def check_origin(self, origin: str) -> bool:
        """The portal's own pages, and nobody's else."""
        ours: bool = self.settings["portal"].origin_is_ours(origin)
        return ours

    def _sid_of_token(self) -> str | None:
        """The sign-in that the page was made for, if the token is one of ours."""
        protocols = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if len(protocols) != 2:  # noqa: PLR2004 - "bokeh" and the token
            return None
        token = protocols[1].strip()
        try:
            if not check_token_signature(
                token, secret_key=self.settings["portal"].signing_key, signed=True
            ):
                return None
            sid = get_token_payload(token).get("portal_sid")
        except Exception:  # noqa: BLE001 - a forged token may fail in any way; all mean "no"
            return None
        return sid if isinstance(sid, str) and sid else None

    def write_error(self, status_code: int, **_kwargs: object) -> None:
        """No text: no person reads it."""
        self.set_status(status_code)
        self.finish()

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:  # noqa: ANN401 - Tornado's
        """Refusals are in the access log already."""
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)

    def open(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Bokeh's
        """Send each frame at once: Nagle's delay would cost 40 ms a key."""
        self.set_nodelay(True)
        self.settings["portal"].sockets.setdefault(self.current_user.sid, set()).add(self)
        return super().open(*args, **kwargs)

    def on_close(self) -> None:
        """One page less."""
        if self.current_user is not None:
            sockets = self.settings["portal"].sockets
            mine = sockets.get(self.current_user.sid, set())
            mine.discard(self)
            if not mine:
                sockets.pop(self.current_user.sid, None)
        super().on_close()


class PageMetadata(SignedIn, MetadataHandler):
    """Bokeh's metadata, for those who may open the page."""

    async def prepare(self) -> None:
        """Refuse everybody else."""
        await super().prepare()
        path = self.request.path.removesuffix("/metadata")
        if self.current_user is None or not self.portal.allowed(path, self.current_user.role):
            raise HTTPError(403)


class _Cached(Guard):
    """Program files that are the same for everybody."""

    def set_default_headers(self) -> None:
        """As everywhere, but the browser may keep them: for good where an address has a version."""
        super().set_default_headers()
        age = "31536000, immutable" if self.request.query else "3600"
        self.set_header("Cache-Control", f"public, max-age={age}")


class BokehFiles(_Cached, StaticHandler):
    """BokehJS."""


class ExtensionFiles(_Cached, MultiRootStaticHandler):
    """Panel's and panel-material-ui's own bundles."""


class StyleFiles(_Cached, StaticFileHandler):
    """Style sheets of the script-free pages."""


class ComponentFiles(_Cached, panel_server.ComponentResourceHandler):
    """Files that an imported component lists; nothing is imported on request."""

    def parse_url_path(self, url_path: str) -> str:
        """Only modules of known packages that are loaded already."""
        module = url_path.partition("/")[0]
        if module not in sys.modules or not _COMPONENT_MODULES.fullmatch(module):
            raise HTTPError(404)
        path: str = super().parse_url_path(url_path)
        return path


PER_PAGE: list[tuple[str, type[RequestHandler]]] = [
    (r"/?", PageHandler),
    (r"/ws", SocketHandler),
    (r"/metadata", PageMetadata),
    (r"/autoload.js", NotFound),
    (r"/static/(.*)", NotFound),
]
