"""What the handlers of one server share."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vispa_panel.store.memory import PREFERENCES

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest
    from tornado.web import RequestHandler
    from tornado.websocket import WebSocketHandler

    from vispa_panel.identity.desk import Desk
    from vispa_panel.identity.roles import Role
    from vispa_panel.identity.sign_ins import SignInSession
    from vispa_panel.server.tickets import Tickets
    from vispa_panel.server.watchdog import Watchdog
    from vispa_panel.settings import Settings

_SECRET_PATHS = ("/dl/", "/picture/", "/up/")
_LONGEST_LOGGED = 120
SIGNED_OUT = 4401


class PortalState:
    """Settings, services, who is here, and the names the portal answers to."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        tickets: Tickets,
        watchdog: Watchdog,
        policy: dict[str, frozenset[Role]],
    ) -> None:
        self.settings = settings
        self.desk = desk
        self.tickets = tickets
        self.watchdog = watchdog
        self.policy = policy
        self.signing_key = b""
        self.name = settings.portal.name
        self.is_https = settings.portal.public_url.startswith("https:")
        self.cookie = "__Host-portal" if self.is_https else "portal"
        self.hosts: frozenset[str] = frozenset()
        self.present: dict[str, SignInSession] = {}
        self.preferences: dict[str, dict[str, Any]] = {}
        self.guests_made: deque[float] = deque()
        self.sockets: dict[str, set[WebSocketHandler]] = {}

    def answer_at(self, port: int) -> None:
        """Fix the host names once the port is known."""
        public = self.settings.portal.public_url
        if public:
            self.hosts = frozenset({urlsplit(public).netloc.lower()})
        else:
            self.hosts = frozenset({f"{name}:{port}" for name in ("127.0.0.1", "localhost")})

    def origin_is_ours(self, origin: str) -> bool:
        """Whether an ``Origin`` is a page of this portal."""
        parts = urlsplit(origin)
        scheme = "https" if self.is_https else "http"
        return parts.scheme == scheme and parts.netloc.lower() in self.hosts

    async def who(self, handler: RequestHandler) -> SignInSession | None:
        """Who sent the request; remembered as long as the sign-in lasts."""
        session = await self.desk.sign_ins.look_up(handler.get_cookie(self.cookie))
        if session is not None:
            self.present[session.sid] = session
        return session

    async def learn_preferences(self, session: SignInSession) -> None:
        """Have the user's preferences at hand while a page is built, which cannot wait."""
        kept = await self.desk.memory.load(session.user_id, PREFERENCES)
        self.preferences[session.sid] = kept if isinstance(kept, dict) else {}

    def allowed(self, path: str, role: Role) -> bool:
        """Whether a role may open a page; a path without a policy is nobody's."""
        return role in self.policy.get(path.rstrip("/"), frozenset())

    def forget(self, sid: str) -> None:
        """A sign-in has ended: close its pages, void its tickets."""
        self.present.pop(sid, None)
        self.preferences.pop(sid, None)
        self.tickets.void(sid)
        for socket in tuple(self.sockets.pop(sid, ())):
            socket.close(SIGNED_OUT, "signed out")

    @staticmethod
    def short(request: HTTPServerRequest) -> str:
        """A request for the log: no query, no ticket, no control character, bounded."""
        path = request.path
        for prefix in _SECRET_PATHS:
            if path.startswith(prefix):
                path = prefix + "..."
        return ascii(f"{request.method} {path}"[:_LONGEST_LOGGED])
