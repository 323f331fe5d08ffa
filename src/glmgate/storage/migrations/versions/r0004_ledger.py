"""The ledger: attempts, requests, their sums by day, and the processes that make them. New tables only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "instances",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instances"),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("organisation_id", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("asked", sa.String(200), nullable=False),
        sa.Column("deployment", sa.String(400), nullable=False),
        sa.Column("upstream", sa.String(100), nullable=False),
        sa.Column("credential", sa.Integer, nullable=False),
        sa.Column("endpoint", sa.String(16), nullable=False),
        sa.Column("surface", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sqlite_with_rowid=False,
    )
    _make_rows()
    _make_days()


def downgrade() -> None:
    """Forget all that was spent."""
    for table in ("request_days", "ledger_days", "requests", "ledger", "series", "instances"):
        op.drop_table(table)


def _make_rows() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("series_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        *_numbers("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "calls", "images", "ms"),
        sa.Column("amount", sa.BigInteger, nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("price", sa.String(200), nullable=True),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("instance_id", sa.String(32), nullable=False),
        *_numbers("prompt_bytes", "answer_bytes"),
        sa.Column("settled_at", sa.Double, nullable=True),
        sa.Column("seconds", sa.Double, nullable=True),
        sa.Column("reported", sa.Text, nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("tags", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_at", "ledger", ["at"])
    reserved = sa.text("state = 'reserved'")
    op.create_index("ix_ledger_reserved", "ledger", ["instance_id"], sqlite_where=reserved, postgresql_where=reserved)
    op.create_table(
        "requests",
        sa.Column("uid", sa.String(40), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("series_id", sa.BigInteger, nullable=False),
        sa.Column("ending", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(200), nullable=False),
        sa.Column("asked", sa.String(200), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        *_numbers("told_prompt_tokens", "told_completion_tokens", "told_cached_tokens", "told_reasoning_tokens"),
        *_numbers("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"),
        sa.Column("amounts", sa.Text, nullable=False),
        sa.Column("unpriced", sa.Integer, nullable=False),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("first_s", sa.Double, nullable=True),
        sa.Column("cache_use", sa.String(8), nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("tags", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("uid", name="pk_requests"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_requests_at", "requests", ["at"])


def _make_days() -> None:
    for table, how, units in (("ledger_days", "outcome", ("calls", "images", "ms")), ("request_days", "ending", ())):
        op.create_table(
            table,
            sa.Column("day", sa.Integer, nullable=False, autoincrement=False),
            sa.Column("series_id", sa.BigInteger, nullable=False, autoincrement=False),
            sa.Column(how, sa.String(16 if units else 32), nullable=False),
            sa.Column("currency", sa.String(3), nullable=False),
            *_numbers("requests", "attempts"),
            *_numbers("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", *units),
            *_numbers("amount", "unpriced", "estimated"),
            sa.PrimaryKeyConstraint("day", "series_id", how, "currency", name=f"pk_{table}"),
            sqlite_with_rowid=False,
        )


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
