"""How often somebody may try a password."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vispa_panel.errors import TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.settings import SignInSettings

_MINUTE = 60.0
_MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Counts failures per user name and network, and attempts of everybody.

    Waiting doubles with each failure beyond the allowed ones; memory is bounded.
    """

    def __init__(
        self, settings: SignInSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._attempts: deque[float] = deque()

    def admit(self, name: str, address: str) -> None:
        """Count an attempt; raises TooManyAttempts when it comes too early."""
        now = self._clock()
        while self._attempts and self._attempts[0] <= now - _MINUTE:
            self._attempts.popleft()
        if len(self._attempts) >= self._settings.attempts_per_minute:
            _refuse(self._attempts[0] + _MINUTE - now)
        failures = self._failures.get((name, network(address)))
        if failures is not None:
            beyond = failures.count - self._settings.failures
            if beyond >= 0:
                wait = min(
                    self._settings.wait_seconds * 2 ** min(beyond, 30),
                    self._settings.longest_wait_seconds,
                )
                left = failures.last + wait - now
                if left > 0:
                    _refuse(left)
        self._attempts.append(now)
        # Counted before it is known: fifty attempts at once are fifty failures, not one.
        self._count(name, address, now)

    def succeeded(self, name: str, address: str) -> None:
        """The password was right: forget the failures."""
        self._failures.pop((name, network(address)), None)

    def _count(self, name: str, address: str, now: float) -> None:
        key = (name, network(address))
        before = self._failures.pop(key, None)
        forgotten = before is None or now - before.last > 2 * self._settings.longest_wait_seconds
        self._failures[key] = _Failures(1 if forgotten or before is None else before.count + 1, now)
        while len(self._failures) > _MOST_ENTRIES:
            self._failures.popitem(last=False)


def network(address: str) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 one; anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    prefix = 24 if parsed.version == 4 else 64  # noqa: PLR2004 - the number of the protocol
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


def _refuse(wait: float) -> None:
    message = f"Too many attempts. Please wait {int(wait) + 1} seconds, then try again."
    raise TooManyAttempts(message, retry_after=wait)
