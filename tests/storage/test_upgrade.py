"""Tests of the migrations: up and down, all or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from glmgate.policy.keys import Key
from glmgate.policy.reasoning import Thought
from glmgate.storage.database import Database
from glmgate.storage.keys import SqlKeyStore
from glmgate.storage.ledger import move
from glmgate.storage.opening import current_revision
from glmgate.storage.reasoning import SqlReasoningStore
from glmgate.storage.schema import REVISION
from glmgate.storage.upgrade import downgrade, known_revisions, upgrade
from tests.storage.attempts import ended, reserved, settled


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database without a schema."""
    opened = Database(f"sqlite:///{tmp_path}/g.db")
    yield opened
    await opened.aclose()


def tables(connection: Connection) -> set[str]:
    """The names of the tables that hold something of ours."""
    found = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
    return {str(name) for name in found} - {"alembic_version"}


async def test_every_revision_can_be_taken_back_with_data_in_every_table(database: Database) -> None:
    """Down to nothing and up again, from each revision, with a key, a fact, a thought, a project and calls inside."""
    await database.write(upgrade)
    store = SqlKeyStore(database)
    await store.add(Key(id="a1", name="one", created_at=1.0))
    await store.pin("fact", "value")
    thoughts = SqlReasoningStore(database, ttl_s=60, most_bytes=1000, longest_bytes=100)
    await thoughts.keep("default", [Thought("key", "thought")])
    await database.append(partial(move, batch=[reserved(1), settled(1), ended(1), reserved(2)]))
    for revision in (*reversed(known_revisions()[:-1]), "base"):
        await database.write(partial(downgrade, revision=revision))
    assert await database.read(tables) == set()
    await database.write(upgrade)
    assert await database.read(current_revision) == REVISION
    assert await store.keys() == ()


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


async def test_upgrading_twice_changes_nothing(database: Database) -> None:
    """A process that waited for another's upgrade finds nothing to do."""
    await database.write(upgrade)
    before = await database.read(tables)
    await database.write(upgrade)
    assert await database.read(tables) == before
