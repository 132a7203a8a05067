"""What people told the portal's makers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from vispa_panel.errors import NotAllowed
from vispa_panel.store.tables import FeedbackRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vispa_panel.store.database import Database

LONGEST = 4000
"""Characters of one message."""

MOST_A_DAY = 20
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Message:
    """Written by ``author`` at ``time`` (seconds since 1970 UTC)."""

    time: float
    author: str
    text: str


class Feedback:
    """Messages of everybody, for the operator to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, author: str, text: str) -> None:
        """Keep a message; raises NotAllowed after too many in one day."""
        now = time.time()
        recent = select(func.count()).where(
            FeedbackRow.author == author, FeedbackRow.time > now - _DAY
        )

        def work(session: Session) -> bool:
            if (session.scalar(recent) or 0) >= MOST_A_DAY:
                return False
            session.add(FeedbackRow(time=now, author=author[:64], text=text[:LONGEST]))
            return True

        if not await self._database.run(work):
            message = "You have sent a lot today."
            raise NotAllowed(message, next_step="Please write the rest tomorrow.")

    async def list(self) -> tuple[Message, ...]:
        """The newest first."""
        query = select(FeedbackRow).order_by(FeedbackRow.time.desc())
        return await self._database.run(
            lambda session: tuple(
                Message(row.time, row.author, row.text) for row in session.scalars(query)
            )
        )
