"""Random addresses through which bytes flow past the websocket, for one sign-in only."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_MOST_OF_ONE = 2000


@dataclass(frozen=True, slots=True)
class Download:
    """A file to keep; ``size`` in bytes where known. Its address works once."""

    name: str
    size: int | None
    stream: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image for an ``<img>``; its address works as long as its sign-in."""

    name: str
    media_type: str
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Upload:
    """Where files go: ``receive(name, chunks)`` stores one and returns its size in bytes.

    ``finished(names)`` is called once with what has arrived.
    """

    label: str
    receive: Callable[[str, AsyncIterator[bytes]], Awaitable[int]]
    finished: Callable[[tuple[str, ...]], object]


Thing = Download | Picture | Upload
T = TypeVar("T", Download, Picture, Upload)

_PREFIXES: dict[type[Thing], str] = {Download: "/dl/", Picture: "/picture/", Upload: "/up/"}


@dataclass(frozen=True, slots=True)
class _Ticket:
    thing: Thing
    sid: str
    expires: float


class Tickets:
    """Issued inside a signed-in page, in memory; worthless for any other sign-in."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of: dict[str, dict[str, _Ticket]] = {}

    def issue(self, sid: str, thing: Thing, seconds: float) -> str:
        """The address of a thing for a while; the oldest of a sign-in go when there are many."""
        mine = self._of.setdefault(sid, {})
        now = self._clock()
        for key in [key for key, ticket in mine.items() if ticket.expires < now]:
            del mine[key]
        while len(mine) >= _MOST_OF_ONE:
            del mine[next(iter(mine))]
        key = secrets.token_urlsafe(32)
        mine[key] = _Ticket(thing, sid, now + seconds)
        return _PREFIXES[type(thing)] + key

    def look_up(self, sid: str, key: str, kind: type[T], *, once: bool = False) -> T | None:
        """The thing at an address, or None when it is another sign-in's, kind or time.

        ``once`` takes it away.
        """
        mine = self._of.get(sid, {})
        ticket = mine.get(key)
        if ticket is None or not isinstance(ticket.thing, kind) or ticket.expires < self._clock():
            return None
        if once:
            del mine[key]
        return ticket.thing

    def void(self, sid: str) -> None:
        """The sign-in has ended."""
        self._of.pop(sid, None)
