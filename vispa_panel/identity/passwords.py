"""Passwords as argon2id hashes, computed in two threads of their own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
LONGEST_PASSWORD = 256


class Passwords:
    """Hashing takes some 50 ms and 64 MiB each: never on the loop, never more than two at once."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="passwords")
        self._dummy = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """A salted hash to store."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, stored: str, password: str) -> bool:
        """Whether the password is right; an empty ``stored`` takes as long and is never right."""
        return await self._run(self._verify, stored, password)

    def is_outdated(self, stored: str) -> bool:
        """Whether the parameters have changed since, so that it should be hashed anew."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            right = self._hasher.verify(stored or self._dummy, password)
        except (VerificationError, InvalidHashError):
            return False
        return right and bool(stored)

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True)
