"""Signing in and out: forms without any script."""

from __future__ import annotations

import logging
import math
import time

from tornado.web import HTTPError

from vispa_panel import __name__ as package
from vispa_panel.errors import SignInRefused, TooManyAttempts
from vispa_panel.identity.passwords import LONGEST_PASSWORD
from vispa_panel.identity.roles import Action, may
from vispa_panel.server.guard import SignedIn
from vispa_panel.server.html import render
from vispa_panel.server.next_address import START, safe_next

_LOG = logging.getLogger(__name__)
_LONGEST_NAME = 64
_MINUTE = 60.0


class _Form(SignedIn):
    def show(self, *, status: int = 200, error: str = "", name: str = "", wanted: str) -> None:
        """The form, with what went wrong."""
        self.set_status(status)
        self.finish(
            render(
                "sign_in.html",
                portal=self.portal.name,
                error=error,
                name=name,
                next=wanted,
                guests=self.portal.settings.guests.enabled,
            )
        )

    async def enter(self, token: str, wanted: str) -> None:
        """A fresh cookie; the browser's sign-in before, if any, is over."""
        if self.current_user is not None:
            await self.portal.desk.sign_ins.end(self.current_user.sid)
        self.set_cookie(
            self.portal.cookie,
            token,
            httponly=True,
            secure=self.portal.is_https,
            samesite="Lax",
            path="/",
        )
        self.redirect(wanted, status=303)


class SignIn(_Form):
    """``/sign-in``."""

    def get(self) -> None:
        """The form; who is signed in goes on."""
        wanted = safe_next(self.get_query_argument("next", START))
        if self.current_user is not None:
            self.redirect(wanted, status=303)
            return
        self.show(wanted=wanted)

    async def post(self) -> None:
        """Check name and password."""
        name = self.get_body_argument("name", "")
        password = self.get_body_argument("password", "", strip=False)
        wanted = safe_next(self.get_body_argument("next", START))
        if len(name) > _LONGEST_NAME or len(password) > LONGEST_PASSWORD:
            self.show(status=400, error="This name or password is too long.", wanted=wanted)
            return
        try:
            user = await self.portal.desk.accounts.verify(
                name, password, self.request.remote_ip or ""
            )
        except TooManyAttempts as error:
            self.set_header("Retry-After", str(math.ceil(error.retry_after)))
            self.show(status=429, error=str(error), name=name, wanted=wanted)
            return
        except SignInRefused as error:
            _LOG.info("sign-in refused for %a", name)
            self.show(status=401, error=str(error), name=name, wanted=wanted)
            return
        token, _session = await self.portal.desk.sign_ins.create(user)
        await self.enter(token, wanted)


class TryAsGuest(_Form):
    """``/guest``: an account for an hour."""

    async def post(self) -> None:
        """Make the guest and sign in, unless too many came at once."""
        guests, now = self.portal.settings.guests, time.monotonic()
        made = self.portal.guests_made
        if not guests.enabled:
            raise HTTPError(404)
        while made and made[0] < now - _MINUTE:
            made.popleft()
        if len(made) >= guests.per_minute:
            self.set_header("Retry-After", "60")
            text = "Many guests came just now. Please try again in a minute."
            self.show(status=429, error=text, wanted=START)
            return
        made.append(now)
        user = await self.portal.desk.accounts.add_guest(guests.lease_minutes * 60)
        token, _session = await self.portal.desk.sign_ins.create(user)
        await self.enter(token, safe_next(self.get_body_argument("next", START)))

    def get(self) -> None:
        """Only the button does it."""
        raise HTTPError(405)


class SignOut(SignedIn):
    """``/sign-out``: ends the pages and connections of this sign-in."""

    async def post(self) -> None:
        """End it, then show the form."""
        if self.current_user is not None:
            await self.portal.desk.sign_ins.end(self.current_user.sid)
        self.clear_cookie(
            self.portal.cookie, path="/", secure=self.portal.is_https, httponly=True, samesite="Lax"
        )
        self.redirect("/sign-in", status=303)

    def get(self) -> None:
        """A link must not sign anybody out."""
        raise HTTPError(405)


class Home(SignedIn):
    """``/``."""

    def get(self) -> None:
        """To work, or to the form."""
        self.redirect(START if self.current_user is not None else "/sign-in", status=303)


class Health(SignedIn):
    """``/healthz``: for a monitor; an administrator sees more."""

    def get(self) -> None:
        """JSON."""
        told: dict[str, object] = {"ok": True, "version": _version()}
        user = self.current_user
        if user is not None and may(user.role, Action.ADMINISTER):
            dog = self.portal.watchdog
            told |= {
                "loop_max_ms": round(dog.longest_ms, 1),
                "loop_culprit": dog.culprit,
                "loop_max_cpu_ms": round(dog.longest_cpu_ms, 1),
                "loop_cpu_culprit": dog.cpu_culprit,
                "pages": sum(map(len, self.portal.sockets.values())),
            }
        self.write(told)

    def post(self) -> None:
        """Measure the event loop anew; for an administrator."""
        user = self.current_user
        if user is None or not may(user.role, Action.ADMINISTER):
            raise HTTPError(403)
        self.portal.watchdog.reset()
        self.get()


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - asked for rarely

    return version(package.replace("_", "-"))
