"""The tables of the portal's memory; times are seconds since 1970 UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_USER = "users.id"


class Table(DeclarativeBase):
    """Base of every table."""


class UserRow(Table):
    """An account; a guest's has no password and an end."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(255))
    disabled: Mapped[bool] = mapped_column(default=False)
    created: Mapped[float]
    expires: Mapped[float | None] = mapped_column(default=None)


class SignInRow(Table):
    """One signed-in browser; only the SHA-256 of its cookie is kept."""

    __tablename__ = "sign_in_sessions"

    sid: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    created: Mapped[float]
    last_seen: Mapped[float]
    expires: Mapped[float] = mapped_column(index=True)


class OwnWorkspaceRow(Table):
    """A machine that a user added; never a secret."""

    __tablename__ = "own_workspaces"
    __table_args__ = (UniqueConstraint("user_id", "workspace"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"), index=True)
    workspace: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(60))
    host: Mapped[str] = mapped_column(String(253))
    port: Mapped[int]
    login: Mapped[str] = mapped_column(String(64))
    sign_in: Mapped[str] = mapped_column(String(16))
    base_folder: Mapped[str] = mapped_column(Text)
    host_key: Mapped[str] = mapped_column(Text)


class MemoryRow(Table):
    """What the portal remembers for a user under a key, such as the open tabs of a workspace."""

    __tablename__ = "memory"

    user_id: Mapped[int] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    updated: Mapped[float]


class DraftRow(Table):
    """Text typed and not saved yet; ``path`` keeps bytes that are not UTF-8 as escapes."""

    __tablename__ = "drafts"
    __table_args__ = (Index("ix_drafts_of_user", "user_id", "workspace"),)

    user_id: Mapped[int] = mapped_column(ForeignKey(_USER, ondelete="CASCADE"), primary_key=True)
    workspace: Mapped[str] = mapped_column(String(32), primary_key=True)
    path_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    base_digest: Mapped[str] = mapped_column(String(64))
    updated: Mapped[float]


class FeedbackRow(Table):
    """What somebody told the makers."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[float] = mapped_column(index=True)
    author: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)


class AuditRow(Table):
    """Who did what to whom; kept when the user is gone."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[float] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
