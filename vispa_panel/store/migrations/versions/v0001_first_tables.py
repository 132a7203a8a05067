"""The first tables: users, sign-ins, own workspaces, memory, drafts, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _owner(*, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        "user_id",
        sa.Integer,
        sa.ForeignKey("users.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float),
    )
    op.create_table(
        "sign_in_sessions",
        sa.Column("sid", sa.String(32), primary_key=True),
        sa.Column("token_digest", sa.String(64), nullable=False, unique=True),
        _owner(),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("last_seen", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_index("ix_sign_in_sessions_user_id", "sign_in_sessions", ["user_id"])
    op.create_index("ix_sign_in_sessions_expires", "sign_in_sessions", ["expires"])
    op.create_table(
        "own_workspaces",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("workspace", sa.String(32), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("sign_in", sa.String(16), nullable=False),
        sa.Column("base_folder", sa.Text, nullable=False),
        sa.Column("host_key", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "workspace"),
    )
    op.create_index("ix_own_workspaces_user_id", "own_workspaces", ["user_id"])
    op.create_table(
        "memory",
        _owner(primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
    )
    op.create_table(
        "drafts",
        _owner(primary_key=True),
        sa.Column("workspace", sa.String(32), primary_key=True),
        sa.Column("path_digest", sa.String(64), primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("base_digest", sa.String(64), nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
    )
    op.create_index("ix_drafts_of_user", "drafts", ["user_id", "workspace"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
    )
    op.create_index("ix_audit_time", "audit", ["time"])


def downgrade() -> None:
    """Drop every table."""
    for table in ("audit", "drafts", "memory", "own_workspaces", "sign_in_sessions", "users"):
        op.drop_table(table)
