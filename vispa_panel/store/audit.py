"""Who did what to whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vispa_panel.store.tables import AuditRow

if TYPE_CHECKING:
    from vispa_panel.store.database import Database


class Audit:
    """A list that only grows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, actor: str, action: str, subject: str = "") -> None:
        """Write one line; long texts are cut to the columns' widths."""
        row = AuditRow(
            time=time.time(), actor=actor[:64], action=action[:40], subject=ascii(subject)[:200]
        )
        await self._database.run(lambda session: session.add(row))
