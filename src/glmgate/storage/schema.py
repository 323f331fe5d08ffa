"""The tables, as the newest migration leaves them.

Nothing is asked or changed here; a test holds these tables against what the migrations make.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text

from glmgate.storage.columns import Verbatim

REVISION: Final = "0003"
"""The newest migration. It stands here so that a start on an up-to-date database need not import Alembic (0.3 s)."""

# Constraints with names can be changed by later migrations on every database.
metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

# All times are Unix seconds, UTC.
organisations: Final = Table(
    "organisations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("created_at", Double, nullable=False),
    # What it may do, as JSON (`wire.terms.Terms`): always read and written as one value.
    Column("terms", Text, nullable=False, server_default="{}"),
)

projects: Final = Table(
    "projects",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organisation_id", String(64), ForeignKey("organisations.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("archived_at", Double, nullable=True),
    Column("terms", Text, nullable=False, server_default="{}"),
)

service_accounts: Final = Table(
    "service_accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("project_id", String(64), ForeignKey("projects.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("created_at", Double, nullable=False),
)

# Nothing secret: a key's secret is derived from the master key, the id and the generation.
keys: Final = Table(
    "keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("project_id", String(64), ForeignKey("projects.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("previous_until", Double, nullable=True),
    Column("expires_at", Double, nullable=True),
    Column("revoked_at", Double, nullable=True),
    Column("kind", String(8), nullable=False, server_default="user"),
    # A service account's id, without a foreign key: SQLite could not drop such a column again.
    Column("owner", String(64), nullable=True),
    Column("terms", Text, nullable=False, server_default="{}"),
)

# What holds for the whole database, such as the fingerprint of the master key.
facts: Final = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String(1000), nullable=False),
)

# Every administrative act, chained by digests (`policy.audit`): rows are added and never changed.
audit: Final = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("before", Text, nullable=True),
    Column("after", Text, nullable=True),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

# What models thought, by digests of the conversations (`policy.reasoning`). No foreign key: who asks without keys
# belongs to a project that no row was made for.
reasoning: Final = Table(
    "reasoning",
    metadata,
    Column("project_id", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("text", Verbatim, nullable=False),
    Column("size", Integer, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("ix_reasoning_expires_at_size", "expires_at", "size"),
)
