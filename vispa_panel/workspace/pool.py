"""One connection per user and workspace, shared by all browser sessions of that user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vispa_panel.workspace.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.workspace.definition import WorkspaceDefinition

Key = tuple[int, str]


class ConnectionPool:
    """Hands out connections and counts who uses them; the last one to leave closes it."""

    def __init__(self, make: Callable[[WorkspaceDefinition], Connection] = Connection) -> None:
        self._make = make
        self._shared: dict[Key, Connection] = {}
        self._users: dict[Key, int] = {}

    def lease(self, user_id: int, definition: WorkspaceDefinition) -> Connection:
        """The user's connection to a workspace; give it back with :meth:`release`."""
        key = (user_id, definition.id)
        if key not in self._shared:
            self._shared[key] = self._make(definition)
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
            await connection.close()

    async def close_all(self) -> None:
        """The portal stops."""
        shared, self._shared = self._shared, {}
        self._users.clear()
        for connection in shared.values():
            await connection.close()
