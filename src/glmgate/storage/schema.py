"""The tables, as the newest migration leaves them.

Nothing is asked or changed here; a test holds these tables against what the migrations make.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from glmgate.storage.columns import Verbatim

REVISION: Final = "0004"
"""The newest migration. It stands here so that a start on an up-to-date database need not import Alembic (0.3 s)."""

OLDEST: Final = "0003"
"""The oldest program, by its newest migration, that can work with these tables. A migration that only adds what others
need not know leaves it as it is; `fresh` and `upgrade` write it into the database, for programs that come later."""
OLDEST_FACT: Final = "oldest_schema"

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

# The processes that make reservations, and until when each may be taken for alive.
instances: Final = Table(
    "instances",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("lease_until", Double, nullable=False),
)

# What many rows of the ledger have in common. The id is a digest of the rest, so that nobody has to look it up; here
# and below there is no foreign key: history outlives keys, and who asks without one has no row.
series: Final = Table(
    "series",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("organisation_id", String(64), nullable=False),
    Column("project_id", String(64), nullable=False),
    Column("key_id", String(64), nullable=False),
    # Who answered; of an attempt its name there, and the name that was asked for.
    Column("model", String(200), nullable=False),
    Column("asked", String(200), nullable=False),
    # Where: empty for requests, the upstream also for an engine of our own.
    Column("deployment", String(400), nullable=False),
    Column("upstream", String(100), nullable=False),
    Column("credential", Integer, nullable=False),
    Column("endpoint", String(16), nullable=False),
    Column("surface", String(16), nullable=False),
    sqlite_with_rowid=False,
)


def _tokens() -> list[Column[int]]:
    names = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
    return [Column(name, BigInteger, nullable=False) for name in names]


def _units() -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in ("calls", "images", "ms")]


# Every attempt. As long as its `state` is `reserved` or `unknown`, what it costs is what was reserved.
# Amounts are nano-units of the currency; both are null where no price is known.
ledger: Final = Table(
    "ledger",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("at", Double, nullable=False, index=True),
    Column("series_id", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("outcome", String(16), nullable=False),
    *_tokens(),
    *_units(),
    Column("amount", BigInteger, nullable=True),
    Column("currency", String(3), nullable=True),
    Column("price", String(200), nullable=True),
    Column("estimated", Boolean, nullable=False),
    Column("instance_id", String(32), nullable=False),
    Column("prompt_bytes", BigInteger, nullable=False),
    Column("answer_bytes", BigInteger, nullable=False),
    Column("settled_at", Double, nullable=True),
    Column("seconds", Double, nullable=True),
    # What the service said of its tokens, as JSON, where something else is charged.
    Column("reported", Text, nullable=True),
    Column("error_code", String(64), nullable=True),
    Column("tags", Text, nullable=True),
    Index(
        "ix_ledger_reserved",
        "instance_id",
        sqlite_where=text("state = 'reserved'"),
        postgresql_where=text("state = 'reserved'"),
    ),
    sqlite_with_rowid=False,
)

# Every request that has ended; `told_` are the tokens that its client was told of, the others those of its attempts.
requests: Final = Table(
    "requests",
    metadata,
    Column("uid", String(40), primary_key=True),
    Column("at", Double, nullable=False, index=True),
    Column("series_id", BigInteger, nullable=False),
    Column("ending", String(32), nullable=False),
    Column("request_id", String(200), nullable=False),
    Column("asked", String(200), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("told_prompt_tokens", BigInteger, nullable=False),
    Column("told_completion_tokens", BigInteger, nullable=False),
    Column("told_cached_tokens", BigInteger, nullable=False),
    Column("told_reasoning_tokens", BigInteger, nullable=False),
    *_tokens(),
    # The money of its attempts as JSON, since there may be several currencies.
    Column("amounts", Text, nullable=False),
    Column("unpriced", Integer, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("first_s", Double, nullable=True),
    Column("cache_use", String(8), nullable=True),
    Column("error_code", String(64), nullable=True),
    Column("tags", Text, nullable=True),
    sqlite_with_rowid=False,
)

# Sums by UTC day, kept with each row that is settled. The currency is empty where no price is known.
ledger_days: Final = Table(
    "ledger_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(16), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    *_tokens(),
    *_units(),
    Column("amount", BigInteger, nullable=False),
    Column("unpriced", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# As above for requests. Those with money in several currencies have a row for each; the first one counts them.
request_days: Final = Table(
    "request_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("ending", String(32), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    *_tokens(),
    Column("amount", BigInteger, nullable=False),
    Column("unpriced", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
