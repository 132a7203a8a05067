"""Machines that users added for themselves; no password and no key is ever among them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from vispa_panel.store.tables import OwnWorkspaceRow

if TYPE_CHECKING:
    from sqlalchemy import Delete
    from sqlalchemy.orm import Session

    from vispa_panel.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWorkspace:
    """``workspace`` is its id, ``host_key`` the public key the user accepted for the host."""

    workspace: str
    name: str
    host: str
    port: int = 22
    login: str
    sign_in: str
    base_folder: str = ""
    host_key: str = ""


class OwnWorkspaces:
    """The workspaces of one user; every look-up names the owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, user_id: int) -> tuple[OwnWorkspace, ...]:
        """By name."""
        query = (
            select(OwnWorkspaceRow)
            .where(OwnWorkspaceRow.user_id == user_id)
            .order_by(OwnWorkspaceRow.name)
        )
        return await self._database.run(
            lambda session: tuple(_value(row) for row in session.scalars(query))
        )

    async def save(self, user_id: int, workspace: OwnWorkspace) -> None:
        """Add a workspace, or replace the one with its id."""

        def work(session: Session) -> None:
            session.execute(_delete(user_id, workspace.workspace))
            session.add(OwnWorkspaceRow(user_id=user_id, **asdict(workspace)))

        await self._database.run(work)

    async def delete(self, user_id: int, workspace: str) -> None:
        """Forget a workspace; nothing happens when there is none."""
        await self._database.run(
            lambda session: session.execute(_delete(user_id, workspace)) and None
        )


def _delete(user_id: int, workspace: str) -> Delete:
    return delete(OwnWorkspaceRow).where(
        OwnWorkspaceRow.user_id == user_id, OwnWorkspaceRow.workspace == workspace
    )


def _value(row: OwnWorkspaceRow) -> OwnWorkspace:
    return OwnWorkspace(
        workspace=row.workspace,
        name=row.name,
        host=row.host,
        port=row.port,
        login=row.login,
        sign_in=row.sign_in,
        base_folder=row.base_folder,
        host_key=row.host_key,
    )
