"""Text that was typed and is not saved on the host yet."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from vispa_panel.store.tables import DraftRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vispa_panel.store.database import Database


@dataclass(frozen=True, slots=True)
class Draft:
    """``base_digest``: SHA-256 (hex) of the file the text started from; ``updated`` in seconds."""

    path: str
    text: str
    base_digest: str
    updated: float


class Drafts:
    """A user's drafts per workspace and path."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, user_id: int, workspace: str, path: str) -> Draft | None:
        """The draft of one file, or None."""
        key = (user_id, workspace, _digest(path))

        def work(session: Session) -> Draft | None:
            row = session.get(DraftRow, key)
            return None if row is None else _draft(row)

        return await self._database.run(work)

    async def list(self, user_id: int, workspace: str) -> tuple[Draft, ...]:
        """All drafts of a workspace, newest first."""
        query = (
            select(DraftRow)
            .where(DraftRow.user_id == user_id, DraftRow.workspace == workspace)
            .order_by(DraftRow.updated.desc())
        )
        return await self._database.run(
            lambda session: tuple(_draft(row) for row in session.scalars(query))
        )

    async def save(
        self, user_id: int, workspace: str, path: str, text: str, *, base_digest: str
    ) -> None:
        """Keep the newest text of a file."""
        row = DraftRow(
            user_id=user_id,
            workspace=workspace,
            path_digest=_digest(path),
            path=json.dumps(path),
            text=json.dumps(text),
            base_digest=base_digest,
            updated=time.time(),
        )
        await self._database.run(lambda session: session.merge(row) and None)

    async def forget(self, user_id: int, workspace: str, path: str) -> None:
        """The file is saved, or the text given up."""
        query = delete(DraftRow).where(
            DraftRow.user_id == user_id,
            DraftRow.workspace == workspace,
            DraftRow.path_digest == _digest(path),
        )
        await self._database.run(lambda session: session.execute(query) and None)


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


def _draft(row: DraftRow) -> Draft:
    # Path and text stand as ASCII JSON: surrogate escapes and NUL pass through every database.
    return Draft(json.loads(row.path), json.loads(row.text), row.base_digest, row.updated)
