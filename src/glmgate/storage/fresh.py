"""An empty database gets the newest schema at once, without Alembic: that costs 0.3 s of a first start.

What it makes is what the migrations make, one after the other; a test holds the two against each other.
"""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table

from glmgate.storage.schema import OLDEST, OLDEST_FACT, REVISION, facts, metadata, organisations, projects

# Alembic's own table, as Alembic makes it; not in `schema`, where the migrations are compared with our tables.
_VERSION: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def create(connection: Connection) -> None:
    """Make every table, and the organisation and project that the first keys belong to."""
    metadata.create_all(connection)
    _VERSION.create(connection)
    now = time.time()
    connection.execute(_VERSION.insert().values(version_num=REVISION))
    connection.execute(facts.insert().values(name=OLDEST_FACT, value=OLDEST))
    connection.execute(organisations.insert().values(id="default", name="Default", created_at=now))
    connection.execute(
        projects.insert().values(id="default", organisation_id="default", name="Default", created_at=now)
    )
