"""Tests of the database: its URL, its transactions, and what becomes of its failures."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from glmgate.errors import InvalidRequest, SettingsError, Unavailable
from glmgate.storage.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one table of numbers."""
    opened = Database(f"sqlite:///{tmp_path}/numbers.db")
    await opened.write(lambda connection: connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")))
    yield opened
    await opened.aclose()


def insert(connection: Connection, number: int) -> None:
    """Put a number into the table."""
    connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})


def count(connection: Connection) -> int:
    """How many numbers there are."""
    return int(connection.scalar(text("SELECT count(*) FROM numbers")) or 0)


async def test_work_is_committed(database: Database, tmp_path: Path) -> None:
    """What a transaction wrote can be read by another process's connection."""
    await database.write(lambda connection: insert(connection, 1))
    other = sqlite3.connect(tmp_path / "numbers.db")
    assert other.execute("SELECT n FROM numbers").fetchall() == [(1,)]
    other.close()


async def test_an_error_undoes_the_transaction(database: Database) -> None:
    """Nothing of a transaction that raised is left, not even of its changes to the schema."""

    def work(connection: Connection) -> None:
        insert(connection, 1)
        connection.execute(text("CREATE TABLE more (n INTEGER)"))
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        await database.write(work)
    assert await database.read(count) == 0
    with pytest.raises(Unavailable, match="no such table"):
        await database.read(lambda connection: connection.execute(text("SELECT * FROM more")))


async def test_a_failure_of_the_database_is_unavailable(database: Database) -> None:
    """What the driver raises becomes an error of ours that says when to come back."""
    await database.write(lambda connection: insert(connection, 1))
    with pytest.raises(Unavailable, match="UNIQUE") as caught:
        await database.write(lambda connection: insert(connection, 1))
    assert caught.value.retry_after_s == 1


async def test_a_writer_waits_for_another_process(database: Database, tmp_path: Path) -> None:
    """Work that finds the file locked goes on when the lock is gone, and then sees what the other wrote."""
    other = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO numbers VALUES (1)")
    waiting = asyncio.create_task(database.write(count))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    assert await waiting == 1


async def test_readers_do_not_wait_for_a_writer(database: Database, tmp_path: Path) -> None:
    """A key can be looked up while another process writes."""
    other = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO numbers VALUES (1)")
    assert await asyncio.wait_for(database.read(count), 5) == 0
    other.execute("ROLLBACK")
    other.close()


async def test_the_event_loop_goes_on_while_the_disk_works(database: Database) -> None:
    """Work runs in another thread than the loop's."""
    assert await database.read(lambda _: threading.get_ident()) != threading.get_ident()


async def test_foreign_keys_are_held(database: Database) -> None:
    """SQLite checks foreign keys only where it is asked to."""
    assert await database.read(lambda connection: connection.scalar(text("PRAGMA foreign_keys"))) == 1


@pytest.mark.parametrize(
    "url",
    ["nonsense", "sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql://user:geheim@host/db", "redis://x"],
)
def test_a_url_that_cannot_be_served_is_refused(url: str) -> None:
    """Only SQLite files are served, and a password in a URL is not shown."""
    with pytest.raises(SettingsError, match=r"\[storage\] url") as caught:
        Database(url)
    assert "geheim" not in caught.value.message


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The message says which folder is missing, instead of `unable to open database file`."""
    with pytest.raises(SettingsError, match="nowhere"):
        Database(f"sqlite:///{tmp_path}/nowhere/g.db")


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """Somebody else's file is not touched, and the error says what it is."""
    (tmp_path / "g.db").write_text("This is a letter and not a database at all.\n" * 100)
    database = Database(f"sqlite:///{tmp_path}/g.db")
    with pytest.raises(Unavailable, match="not a database"):
        await database.read(count)
    await database.aclose()
