"""Tests of the database: its URL, its transactions, and what becomes of its failures."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from glmgate.errors import InvalidRequest, SettingsError, Unavailable
from glmgate.storage.database import Database
from glmgate.storage.postgres import WRITERS


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with one table of numbers, of each sort."""
    opened = Database(database_url)
    await opened.write(lambda connection: connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")))
    yield opened
    await opened.aclose()


@contextmanager
def other_writer(url: str) -> Iterator[Connection]:
    """Another process's connection in the middle of a `write`, which has put 1 into the table and then commits."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            connection.connection.dbapi_connection.isolation_level = None  # type: ignore[union-attr] # sqlite3's own
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": WRITERS})
        insert(connection, 1)
        yield connection
        connection.exec_driver_sql("COMMIT")
    engine.dispose()


def insert(connection: Connection, number: int) -> None:
    """Put a number into the table."""
    connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})


def count(connection: Connection) -> int:
    """How many numbers there are."""
    return int(connection.scalar(text("SELECT count(*) FROM numbers")) or 0)


async def test_work_is_committed(database: Database, database_url: str) -> None:
    """What a transaction wrote can be read by another process's connection."""
    await database.write(lambda connection: insert(connection, 1))
    await database.append(lambda connection: insert(connection, 2))
    other = Database(database_url)
    assert await other.read(count) == 2
    await other.aclose()


async def test_an_error_undoes_the_transaction(database: Database) -> None:
    """Nothing of a transaction that raised is left, not even of its changes to the schema."""

    def work(connection: Connection) -> None:
        insert(connection, 1)
        connection.execute(text("CREATE TABLE more (n INTEGER)"))
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        await database.write(work)
    assert await database.read(count) == 0
    with pytest.raises(Unavailable, match=r"no such table|does not exist"):
        await database.read(lambda connection: connection.execute(text("SELECT * FROM more")))


async def test_a_failure_of_the_database_is_unavailable(database: Database) -> None:
    """What the driver raises becomes an error of ours that says when to come back."""
    await database.write(lambda connection: insert(connection, 1))
    with pytest.raises(Unavailable, match=r"(?i)unique") as caught:
        await database.write(lambda connection: insert(connection, 1))
    assert caught.value.retry_after_s == 1


@pytest.mark.parametrize("how", ["write", "append"])
async def test_a_writer_waits_for_another_process(database: Database, database_url: str, how: str) -> None:
    """Work that finds another writer under way goes on when that one is done, and then sees what it wrote."""
    with other_writer(database_url):
        waiting = asyncio.create_task(getattr(database, how)(count))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await waiting == 1


async def test_readers_do_not_wait_for_a_writer(database: Database, database_url: str) -> None:
    """A key can be looked up while another process writes."""
    with other_writer(database_url):
        assert await asyncio.wait_for(database.read(count), 5) == 0


async def test_a_reader_sees_one_state(database: Database, database_url: str) -> None:
    """What is committed while a transaction reads does not come into its middle."""
    other = Database(database_url)
    loop = asyncio.get_running_loop()

    def twice(connection: Connection) -> tuple[int, int]:
        before = count(connection)
        asyncio.run_coroutine_threadsafe(other.write(lambda one: insert(one, 1)), loop).result(10)
        return before, count(connection)

    assert await database.read(twice) == (0, 0)
    await other.aclose()


async def test_writers_of_several_connections_lose_nothing(database: Database, database_url: str) -> None:
    """Reading what is there and writing what follows from it is one step, whoever else does the same."""
    others = [Database(database_url) for _ in range(3)]

    def next_number(connection: Connection) -> int:
        number = count(connection) + 1
        insert(connection, number)
        return number

    made = await asyncio.gather(*(each.write(next_number) for each in (database, *others) for _ in range(10)))
    assert sorted(made) == list(range(1, 41))
    for other in others:
        await other.aclose()


async def test_the_event_loop_goes_on_while_the_disk_works(database: Database) -> None:
    """Work runs in another thread than the loop's."""
    assert await database.read(lambda _: threading.get_ident()) != threading.get_ident()


async def test_foreign_keys_are_held(database: Database) -> None:
    """SQLite checks foreign keys only where it is asked to."""
    await database.write(lambda connection: connection.execute(text("CREATE TABLE more (n INT REFERENCES numbers)")))
    with pytest.raises(Unavailable, match=r"(?i)foreign key"):
        await database.write(lambda connection: connection.execute(text("INSERT INTO more VALUES (7)")))


@pytest.mark.parametrize(
    "url",
    [
        "nonsense", "geheim", "sqlite://", "sqlite:///", "sqlite:///:memory:", "redis://x", "mysql://u:geheim@host/db",
        "mysql://host/db?password=geheim", "postgresql:/geheim@host", "postgresql://host:geheim/db",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_served_is_refused(url: str) -> None:
    """Only SQLite files and PostgreSQL are served, and a password in a URL is not shown, however it is miswritten."""
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


async def test_a_file_that_somebody_has_locked_is_unavailable(tmp_path: Path) -> None:
    """Its transaction does not begin; once it is free, the next one does."""
    database = Database(f"sqlite:///{tmp_path}/g.db")
    await database.write(lambda connection: connection.exec_driver_sql("CREATE TABLE things (id INTEGER)"))
    # Its one connection is kept, and need not wait for as long as others would.
    await database.read(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout = 10"))
    with closing(sqlite3.connect(tmp_path / "g.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked"):
            await database.write(lambda connection: connection.exec_driver_sql("INSERT INTO things VALUES (1)"))
        other.execute("ROLLBACK")
    await database.write(lambda connection: connection.exec_driver_sql("INSERT INTO things VALUES (1)"))
    await database.aclose()


async def test_transactions_follow_each_other_in_the_thread(database: Database) -> None:
    """Until there is none; each is done before the next is asked for, and what fails ends it and stays undone."""
    seen: list[int] = []
    numbers = iter([1, 2, 3, 2, 4])

    def next_work() -> Callable[[Connection], int] | None:
        number = next(numbers)
        return None if number == 3 else partial(put, number)

    def put(number: int, connection: Connection) -> int:
        connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
        return number

    await database.append_each(next_work, seen.append)
    assert (seen, await database.read(count)) == ([1, 2], 2)
    with pytest.raises(Unavailable, match=r"(?i)unique"):
        await database.append_each(next_work, seen.append)
    assert (seen, await database.read(count), next(numbers)) == ([1, 2], 2, 4)
