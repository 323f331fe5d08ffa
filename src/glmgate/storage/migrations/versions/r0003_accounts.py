"""Terms of organisations, projects and keys; service accounts; administrators' keys; the audit log.

Only additions with defaults, so that a program that still runs does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the tables."""
    # Columns are added and dropped in place: a copy of a table that others refer to breaks their foreign keys.
    op.add_column("organisations", _terms())
    op.add_column("projects", sa.Column("archived_at", sa.Double, nullable=True))
    op.add_column("projects", _terms())
    op.create_table(
        "service_accounts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_accounts"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_service_accounts_project_id"),
    )
    op.create_index("ix_service_accounts_project_id", "service_accounts", ["project_id"])
    op.add_column("keys", sa.Column("kind", sa.String(8), nullable=False, server_default="user"))
    op.add_column("keys", sa.Column("owner", sa.String(64), nullable=True))
    op.add_column("keys", _terms())
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("before", sa.Text, nullable=True),
        sa.Column("after", sa.Text, nullable=True),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )


def downgrade() -> None:
    """Take them away, and with them administrators' keys: a program before this would take them for users'."""
    op.execute("DELETE FROM keys WHERE kind = 'admin'")
    op.drop_table("audit")
    for column in ("terms", "owner", "kind"):
        op.drop_column("keys", column)
    op.drop_table("service_accounts")
    for column in ("terms", "archived_at"):
        op.drop_column("projects", column)
    op.drop_column("organisations", "terms")


def _terms() -> sa.Column[str]:
    return sa.Column("terms", sa.Text, nullable=False, server_default="{}")
