"""What models thought. A new table only, so a program that still runs does not notice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "reasoning",
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key", name="pk_reasoning"),
    )
    op.create_index("ix_reasoning_expires_at_size", "reasoning", ["expires_at", "size"])


def downgrade() -> None:
    """Forget all of it."""
    op.drop_table("reasoning")
