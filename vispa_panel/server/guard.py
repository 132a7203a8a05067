"""What every handler of the portal does first: its host, its headers, its errors."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

from bokeh.server.views.auth_request_handler import AuthRequestHandler
from tornado.web import HTTPError, RequestHandler

from vispa_panel.errors import PortalError
from vispa_panel.server.content_policy import PLAIN
from vispa_panel.server.html import render

if TYPE_CHECKING:
    from vispa_panel.identity.sign_ins import SignInSession
    from vispa_panel.server.state import PortalState

_LOG = logging.getLogger(__name__)

_SENTENCES = {
    400: "The portal did not understand this request.",
    403: "You may not open this.",
    404: "There is nothing at this address, or it is not valid any more.",
    405: "This address cannot be opened in this way.",
    413: "This is larger than the portal accepts.",
    421: "The portal is not known by this name.",
    429: "Too many attempts. Please wait a little.",
}


class Guard(RequestHandler):
    """Mixed into every handler: answers only its own hosts, says nothing about the inside."""

    content_policy = PLAIN

    @property
    def portal(self) -> PortalState:
        """What the handlers of one server share."""
        state: PortalState = self.settings["portal"]
        return state

    def set_default_headers(self) -> None:
        """The same on every answer, errors too."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", self.content_policy)
        portal = self.settings.get("portal")
        if portal is not None and portal.is_https:
            self.set_header("Strict-Transport-Security", "max-age=31536000")

    def check_host(self) -> None:
        """Raises 421 for a name that is not ours: nobody rebinds another name to us."""
        if self.request.host.lower() not in self.portal.hosts:
            raise HTTPError(421)

    async def prepare(self) -> None:
        """Check the host before anything."""
        self.check_host()

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:  # noqa: ANN401 - Tornado's
        """Only faults of ours are worth a traceback; what a client sent is one short line."""
        if isinstance(value, HTTPError):
            _LOG.info("%s %d", self.portal.short(self.request), value.status_code)
        else:
            _LOG.error(
                "fault %s at %s", self._fault, self.portal.short(self.request),
                exc_info=(typ, value, tb),
            )  # fmt: skip

    @property
    def _fault(self) -> str:
        if not hasattr(self, "_fault_reference"):
            self._fault_reference = secrets.token_hex(4)
        return self._fault_reference

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ANN401 - Tornado's
        """One sentence; for a fault of ours a reference that stands in the log."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, PortalError):
            sentence = error.advice
        elif status_code in _SENTENCES:
            sentence = _SENTENCES[status_code]
        else:
            sentence = f"Something went wrong in the portal. Reference: {self._fault}."
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(render("message.html", portal=self.portal.name, title="Sorry", text=sentence))


class SignedIn(Guard, AuthRequestHandler):
    """A guard that also looks up who is signed in."""

    def get_login_url(self) -> str:
        """Absolute, so that no page's own address matters."""
        return "/sign-in"

    async def prepare(self) -> None:
        """Look up the cookie; ``current_user`` is None for nobody."""
        self.check_host()
        self.current_user: SignInSession | None = await self.portal.who(self)


class NotFound(Guard):
    """Any address that is none of ours."""

    def initialize(self, **_routing: object) -> None:
        """Stands in for handlers that want arguments."""

    async def prepare(self) -> None:
        """404, after the host was checked."""
        await super().prepare()
        raise HTTPError(404)
