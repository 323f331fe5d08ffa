"""Tests of the tables: what the program asks for is what the migrations make."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from glmgate.storage.opening import open_database
from glmgate.storage.schema import REVISION, metadata
from glmgate.storage.upgrade import known_revisions


async def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    """A migrated database differs from the tables in nothing that Alembic can see."""

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))

    database = await open_database(f"sqlite:///{tmp_path}/g.db")
    found = await database.read(differences)
    await database.aclose()
    assert found == []


def test_the_newest_revision_is_named() -> None:
    """The constant that spares a start Alembic's import names the newest migration."""
    assert known_revisions()[-1] == REVISION
