"""Accounts of people, and who may sign in with which password."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from vispa_panel.errors import IdentityError, SignInRefused
from vispa_panel.identity.passwords import LONGEST_PASSWORD
from vispa_panel.identity.roles import Role
from vispa_panel.store.tables import SignInRow, UserRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vispa_panel.identity.passwords import Passwords
    from vispa_panel.identity.throttle import Throttle
    from vispa_panel.store.database import Database

_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_SHORTEST_PASSWORD = 8
_WRONG = "The user name or the password is not right."


@dataclass(frozen=True, slots=True)
class User:
    """An account; times in seconds since 1970 UTC, ``expires`` for guests."""

    id: int
    name: str
    role: Role
    disabled: bool
    created: float
    expires: float | None = None


class Accounts:
    """Adds, changes and verifies accounts."""

    def __init__(self, database: Database, passwords: Passwords, throttle: Throttle) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle

    async def add(self, name: str, password: str, role: Role = Role.USER) -> User:
        """A new account. Raises IdentityError for a name that is taken or not allowed."""
        if not _NAME.fullmatch(name):
            message = (
                "A user name has up to 32 small letters, digits, dots, dashes or underscores, "
                "and starts with a letter."
            )
            raise IdentityError(message)
        _check_new(password)
        return await self._insert(name, role, await self._passwords.hash(password), None)

    async def add_guest(self, lease_seconds: float) -> User:
        """An account with a random name, no password and an end."""
        name = f"guest-{secrets.token_hex(5)}"
        return await self._insert(name, Role.GUEST, "", time.time() + lease_seconds)

    async def verify(self, name: str, password: str, address: str) -> User:
        """Who signs in from an address.

        Raises SignInRefused (which never tells why) or TooManyAttempts.
        """
        self._throttle.admit(name, address)
        found = await self._find(name)
        user, stored = found if found is not None else (None, "")
        # Verified even for nobody: how long it takes must not tell which names exist.
        right = len(password) <= LONGEST_PASSWORD and await self._passwords.verify(stored, password)
        if user is None or not right or user.disabled:
            raise SignInRefused(_WRONG)
        self._throttle.succeeded(name, address)
        if self._passwords.is_outdated(stored):
            await self._store_password(name, await self._passwords.hash(password))
        return user

    async def list(self) -> tuple[User, ...]:
        """Every account, by name."""
        query = select(UserRow).order_by(UserRow.name)
        return await self._database.run(
            lambda session: tuple(_user(row) for row in session.scalars(query))
        )

    async def set_password(self, name: str, password: str) -> None:
        """Replace the password and end all sign-ins; raises IdentityError for nobody."""
        _check_new(password)
        await self._store_password(name, await self._passwords.hash(password), end_sign_ins=True)

    async def disable(self, name: str) -> None:
        """Refuse the account and end its sign-ins; a running portal notices in 2 s."""
        await self._set_disabled(name, disabled=True)

    async def enable(self, name: str) -> None:
        """Accept the account again."""
        await self._set_disabled(name, disabled=False)

    async def forget_expired_guests(self) -> None:
        """Remove guests whose lease is over, with everything remembered of them."""
        query = delete(UserRow).where(
            UserRow.role == Role.GUEST.value, UserRow.expires < time.time()
        )
        await self._database.run(lambda session: session.execute(query) and None)

    async def _find(self, name: str) -> tuple[User, str] | None:
        def work(session: Session) -> tuple[User, str] | None:
            row = session.scalar(select(UserRow).where(UserRow.name == name))
            return None if row is None else (_user(row), row.password_hash)

        return await self._database.run(work)

    async def _insert(self, name: str, role: Role, stored: str, expires: float | None) -> User:
        def work(session: Session) -> User:
            row = UserRow(
                name=name,
                role=role.value,
                password_hash=stored,
                disabled=False,
                created=time.time(),
                expires=expires,
            )
            session.add(row)
            session.flush()
            return _user(row)

        try:
            return await self._database.run(work)
        except IntegrityError as error:
            message = f"There is a user {name} already."
            raise IdentityError(message) from error

    async def _store_password(self, name: str, stored: str, *, end_sign_ins: bool = False) -> None:
        def work(session: Session) -> None:
            row = _existing(session, name)
            row.password_hash = stored
            if end_sign_ins:
                session.execute(delete(SignInRow).where(SignInRow.user_id == row.id))

        await self._database.run(work)

    async def _set_disabled(self, name: str, *, disabled: bool) -> None:
        def work(session: Session) -> None:
            row = _existing(session, name)
            row.disabled = disabled
            if disabled:
                session.execute(delete(SignInRow).where(SignInRow.user_id == row.id))

        await self._database.run(work)


def _existing(session: Session, name: str) -> UserRow:
    row = session.scalar(select(UserRow).where(UserRow.name == name))
    if row is None:
        message = f"There is no user {name!a}."
        raise IdentityError(message)
    return row


def _check_new(password: str) -> None:
    if not _SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        message = f"A password has {_SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        raise IdentityError(message)


def _user(row: UserRow) -> User:
    return User(row.id, row.name, Role(row.role), row.disabled, row.created, row.expires)
