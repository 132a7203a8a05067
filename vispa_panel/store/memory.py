"""What the portal remembers for a user: JSON values under keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from vispa_panel.store.tables import MemoryRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vispa_panel.store.database import Database

PREFERENCES = "preferences"
"""The key of what a user likes: ``{"dark": true}``."""


class Memory:
    """Preferences, and the open tabs per workspace (``tabs:<workspace>``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, user_id: int, key: str) -> Any:  # noqa: ANN401 - JSON
        """The value, or None."""

        def work(session: Session) -> Any:  # noqa: ANN401 - JSON
            row = session.get(MemoryRow, (user_id, key))
            return None if row is None else row.value

        return await self._database.run(work)

    async def save(self, user_id: int, key: str, value: Any) -> None:  # noqa: ANN401 - JSON
        """Replace the value; the last one wins."""
        row = MemoryRow(user_id=user_id, key=key, value=value, updated=time.time())
        await self._database.run(lambda session: session.merge(row) and None)
