"""Signed-in browsers: an opaque cookie here, one row there, nothing in between."""

from __future__ import annotations

import hashlib
import inspect
import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from vispa_panel.identity.roles import Role
from vispa_panel.store.tables import SignInRow, UserRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from sqlalchemy.orm import Session

    from vispa_panel.identity.accounts import User
    from vispa_panel.settings import SignInSettings
    from vispa_panel.store.database import Database

_LOG = logging.getLogger(__name__)
_TOKEN_LENGTH = 43
_SEEN_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class SignInSession:
    """Who is signed in; ``sid`` is public (no secret), ``expires`` in seconds since 1970 UTC."""

    sid: str
    user_id: int
    user_name: str
    role: Role
    expires: float


class SignInSessions:
    """Creates, looks up and ends sign-ins, and tells everybody who asked when one ends."""

    def __init__(self, database: Database, settings: SignInSettings) -> None:
        self._database = database
        self._idle = settings.idle_minutes * 60.0
        self._longest = settings.absolute_hours * 3600.0
        self._on_end: list[Callable[[str], Awaitable[None] | None]] = []

    def on_end(self, callback: Callable[[str], Awaitable[None] | None]) -> None:
        """Call ``callback(sid)`` when a sign-in ends, by whatever reason."""
        self._on_end.append(callback)

    async def create(self, user: User) -> tuple[str, SignInSession]:
        """A new sign-in and the token for the cookie, which is stored nowhere."""
        token, sid, now = secrets.token_urlsafe(32), secrets.token_hex(16), time.time()
        expires = min(now + self._longest, user.expires or now + self._longest)
        row = SignInRow(
            sid=sid,
            token_digest=_digest(token),
            user_id=user.id,
            role=user.role.value,
            created=now,
            last_seen=now,
            expires=expires,
        )
        await self._database.run(lambda session: session.add(row))
        return token, SignInSession(sid, user.id, user.name, user.role, expires)

    async def look_up(self, token: str | None) -> SignInSession | None:
        """Who a cookie belongs to, or None when it means nobody (any more)."""
        if not token or len(token) != _TOKEN_LENGTH or not token.isascii():
            return None
        digest, now = _digest(token), time.time()

        def work(session: Session) -> SignInSession | None:
            found = session.execute(
                select(SignInRow, UserRow)
                .join(UserRow, UserRow.id == SignInRow.user_id)
                .where(SignInRow.token_digest == digest)
            ).first()
            if found is None:
                return None
            row, user = found
            if not self._holds(row, user, now):
                return None
            if now - row.last_seen > _SEEN_EVERY:
                row.last_seen = now
            return SignInSession(row.sid, user.id, user.name, Role(row.role), row.expires)

        return await self._database.run(work)

    async def end(self, sid: str) -> None:
        """Sign out: the cookie is worthless from now on."""
        await self._database.run(
            lambda session: session.execute(delete(SignInRow).where(SignInRow.sid == sid)) and None
        )
        await self._tell(sid)

    async def end_all_of_user(self, user_id: int) -> None:
        """Sign a user out everywhere."""

        def work(session: Session) -> list[str]:
            mine = SignInRow.user_id == user_id
            sids = list(session.scalars(select(SignInRow.sid).where(mine)))
            session.execute(delete(SignInRow).where(mine))
            return sids

        for sid in await self._database.run(work):
            await self._tell(sid)

    async def sweep(self, live: Collection[str]) -> None:
        """Keep the sign-ins of open pages awake and end those that hold no longer.

        ``live`` are the sids with an open page; one that another process ended is told as well.
        """
        now = time.time()

        def work(session: Session) -> set[str]:
            rows = session.execute(
                select(SignInRow, UserRow).join(UserRow, UserRow.id == SignInRow.user_id)
            ).all()
            held = {row.sid for row, user in rows if self._holds(row, user, now)}
            gone = {row.sid for row, _user in rows} - held
            stale = [
                row.sid
                for row, _user in rows
                if row.sid in held and row.sid in live and now - row.last_seen > _SEEN_EVERY
            ]
            if stale:
                session.execute(
                    update(SignInRow).where(SignInRow.sid.in_(stale)).values(last_seen=now)
                )
            if gone:
                session.execute(delete(SignInRow).where(SignInRow.sid.in_(gone)))
            return gone | (set(live) - held)

        for sid in await self._database.run(work):
            await self._tell(sid)

    def _holds(self, row: SignInRow, user: UserRow, now: float) -> bool:
        in_time = now < row.expires and now < row.last_seen + self._idle
        return in_time and not user.disabled and user.role == row.role

    async def _tell(self, sid: str) -> None:
        for callback in self._on_end:
            try:
                told = callback(sid)
                if inspect.isawaitable(told):
                    await told
            except Exception:  # noqa: BLE001 - one listener's fault must not keep the others from closing
                _LOG.exception("a listener failed at the end of a sign-in")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
