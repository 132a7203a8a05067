"""One connection per user and workspace, shared by all browser sessions of that user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vispa_panel.workspace.connection import Connection, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.workspace.definition import WorkspaceDefinition

Key = tuple[int, str]


class ConnectionPool:
    """Hands out connections and counts who uses them; the last one to leave closes it.

    A password or key given once is kept in memory until :meth:`forget`, so that a page opened
    again need not ask for it.
    """

    def __init__(
        self, make: Callable[[WorkspaceDefinition, Secret], Connection] = Connection
    ) -> None:
        self._make = make
        self._shared: dict[Key, Connection] = {}
        self._users: dict[Key, int] = {}
        self._secrets: dict[Key, Secret] = {}

    def lease(self, user_id: int, definition: WorkspaceDefinition) -> Connection:
        """The user's connection to a workspace; give it back with :meth:`release`."""
        key = (user_id, definition.id)
        if key not in self._shared:
            self._shared[key] = self._make(definition, self._secrets.get(key, Secret()))
        self._users[key] = self._users.get(key, 0) + 1
        return self._shared[key]

    async def release(self, user_id: int, definition: WorkspaceDefinition) -> None:
        """One session needs it no longer."""
        key = (user_id, definition.id)
        left = self._users.get(key, 0) - 1
        if left > 0:
            self._users[key] = left
            return
        self._users.pop(key, None)
        connection = self._shared.pop(key, None)
        if connection is not None:
            self._secrets[key] = connection.secret
            await connection.close()

    def forget(self, user_id: int) -> None:
        """Drop the passwords and keys of a user who has signed out everywhere."""
        for key in [key for key in self._secrets if key[0] == user_id]:
            del self._secrets[key]

    async def close_all(self) -> None:
        """The portal stops."""
        shared, self._shared = self._shared, {}
        self._users.clear()
        self._secrets.clear()
        for connection in shared.values():
            await connection.close()
