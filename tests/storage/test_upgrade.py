"""Tests of the migrations: up and down, all or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Connection, Float, Integer, MetaData, func, inspect, select, text

from glmgate.policy.keys import Key
from glmgate.storage.database import Database
from glmgate.storage.keys import SqlKeyStore
from glmgate.storage.opening import current_revision, oldest_program
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.schema import OLDEST, REVISION
from glmgate.storage.upgrade import downgrade, known_revisions, upgrade

NOW = 1_800_000_000.0


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort, without a schema."""
    opened = Database(database_url)
    yield opened
    await opened.aclose()


def tables(connection: Connection) -> set[str]:
    """The names of the tables that hold something of ours."""
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


def fill(connection: Connection) -> None:
    """Put a row into every table that the schema has now, whatever its columns are; default rows may be there."""
    found = MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        if table.name == "alembic_version" or connection.scalar(select(func.count()).select_from(table)):
            continue
        connection.execute(table.insert().values({column.name: value(column) for column in table.columns}))


def value(column: Column[Any]) -> object:
    """Something that the column takes; what refers to another table names its default row."""
    if column.foreign_keys:
        return "default"
    if isinstance(column.type, Float):
        return NOW
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Integer):
        return 1
    return {"terms": "{}", "kind": "user"}.get(column.name, "text")[: getattr(column.type, "length", None)]


async def test_every_revision_can_be_taken_back_with_data_in_every_table(database: Database) -> None:
    """Up one by one and down one by one, and up again from each, with a row in every table that there is."""
    for revision in known_revisions():
        await database.write(partial(upgrade, revision=revision))
        await database.write(fill)
    for revision in reversed(known_revisions()[:-1]):
        await database.write(partial(downgrade, revision=revision))
        await database.write(upgrade)
        await database.write(fill)
        assert await database.read(lambda connection: all(counts(connection).values()))
        await database.write(partial(downgrade, revision=revision))
    await database.write(partial(downgrade, revision="base"))
    assert await database.read(tables) == set()
    await database.write(upgrade)
    assert await database.read(current_revision) == REVISION
    assert await SqlAccountStore(database).look(lambda rows: rows.keys()) == ()


def counts(connection: Connection) -> dict[str, int]:
    """The rows of every table."""
    found = MetaData()
    found.reflect(connection)
    return {
        table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in found.sorted_tables
    }


async def test_keys_survive_the_way_up_from_every_revision(database: Database) -> None:
    """A key that an older program made is there with all it was, and has the terms of one that was given none."""
    await database.write(partial(upgrade, revision="0001"))
    statement = (
        "INSERT INTO keys (id, project_id, name, created_at, generation) VALUES ('a1', 'default', 'one', 1.5, 3)"
    )
    await database.write(lambda connection: connection.execute(text(statement)))
    await database.write(upgrade)
    assert await SqlKeyStore(database).find("a1") == Key(id="a1", name="one", created_at=1.5, generation=3)


async def test_a_failed_upgrade_leaves_nothing(database: Database) -> None:
    """An upgrade that breaks half-way leaves the database as it was."""

    def broken(connection: Connection) -> None:
        upgrade(connection)
        msg = "power cut"
        raise OSError(msg)

    with pytest.raises(OSError, match="power cut"):
        await database.write(broken)
    assert await database.read(tables) == set()
    assert await database.read(current_revision) is None


async def test_the_oldest_program_is_noted(database: Database) -> None:
    """On the way up and down it is the revision itself, until one comes that older programs can work with."""
    for revision in known_revisions():
        await database.write(partial(upgrade, revision=revision))
        assert await database.read(oldest_program) == min(revision, OLDEST)
    await database.write(partial(downgrade, revision="0001"))
    assert await database.read(oldest_program) == "0001"


async def test_upgrading_twice_changes_nothing(database: Database) -> None:
    """A process that waited for another's upgrade finds nothing to do."""
    await database.write(upgrade)
    before = await database.read(tables)
    await database.write(upgrade)
    assert await database.read(tables) == before
