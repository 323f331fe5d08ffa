"""Tests of the tables: what the program asks for is what the migrations make."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from glmgate.storage.database import Database
from glmgate.storage.schema import REVISION, metadata
from glmgate.storage.upgrade import known_revisions, upgrade


async def test_the_migrations_make_the_tables(database_url: str) -> None:
    """A migrated database differs from the tables in nothing that Alembic can see."""

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))

    database = Database(database_url)
    await database.write(upgrade)
    found = await database.read(differences)
    await database.aclose()
    assert found == []


def test_the_newest_revision_is_named() -> None:
    """The constant that spares a start Alembic's import names the newest migration."""
    assert known_revisions()[-1] == REVISION
