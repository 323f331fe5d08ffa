"""Tests of the migrations: up and down, all or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from glmgate.policy.directory import Directory
from glmgate.policy.keyring import KeyOrder, Keyring
from glmgate.policy.keys import MasterKey
from glmgate.policy.reasoning import Thought
from glmgate.storage.database import Database
from glmgate.storage.opening import current_revision
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.reasoning import SqlReasoningStore
from glmgate.storage.schema import REVISION
from glmgate.storage.upgrade import downgrade, known_revisions, upgrade


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
    """Down to nothing and up again, from each revision, with keys, acts, a fact, a thought and a project inside."""
    await database.write(upgrade)
    store = SqlAccountStore(database)
    keyring = Keyring(store, MasterKey.from_text("m" * 32))
    await keyring.create("one")
    await keyring.make(KeyOrder(name="root", kind="admin"))
    await Directory(store, keyring).create_account("default", "robot", key=KeyOrder(name="robot"))
    await store.pin("fact", "value")
    thoughts = SqlReasoningStore(database, ttl_s=60, most_bytes=1000, longest_bytes=100)
    await thoughts.keep("default", [Thought("key", "thought")])
    for revision in (*reversed(known_revisions()[:-1]), "base"):
        await database.write(partial(downgrade, revision=revision))
    assert await database.read(tables) == set()
    await database.write(upgrade)
    assert await database.read(current_revision) == REVISION
    assert await keyring.keys() == ()


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
