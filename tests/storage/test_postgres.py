"""Tests of what only PostgreSQL needs: its driver, lost connections, time-outs, and what its failures say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Connection, text

from glmgate.errors import InvalidRequest, Unavailable
from glmgate.storage.database import Database
from glmgate.storage.postgres import WRITERS
from tests.servers.postgres import Postgres

WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None
from glmgate.errors import SettingsError
from glmgate.storage.database import Database
try:
    Database("postgresql://u:geheim@host/db")
except SettingsError as error:
    print(error.message)
"""


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """A database with one table of words."""
    opened = Database(postgres_url)
    await opened.write(lambda connection: connection.execute(text("CREATE TABLE words (w VARCHAR(5) PRIMARY KEY)")))
    yield opened
    await opened.aclose()


def disconnect(postgres: Postgres) -> None:
    """End every other connection, as a restart of the server does."""
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname <> 'postgres'"
    )


def insert(word: str) -> Callable[[Connection], object]:
    """Work that puts a word into the table."""
    return lambda connection: connection.execute(text("INSERT INTO words VALUES (:w)"), {"w": word})


def words(connection: Connection) -> list[str]:
    """What is in the table."""
    return list(connection.scalars(text("SELECT w FROM words ORDER BY w")))


def test_the_driver_is_an_extra() -> None:
    """Without it the message says what to install, and shows no password."""
    said = subprocess.run([sys.executable, "-c", WITHOUT_DRIVER], capture_output=True, text=True, check=True).stdout
    assert "pip install 'glmgate[postgres]'" in said
    assert "geheim" not in said


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
async def test_usual_spellings_of_the_scheme_are_known(postgres: Postgres, scheme: str) -> None:
    """Hosts of databases write `postgres://`, SQLAlchemy's users name the driver."""
    opened = Database(postgres.tcp_url().replace("postgresql", scheme))
    assert await opened.read(lambda connection: connection.scalar(text("SELECT 1"))) == 1
    await opened.aclose()


async def test_a_wrong_password_is_told_without_any(postgres: Postgres) -> None:
    """The message names the user that was refused, no password and no address."""
    opened = Database(postgres.tcp_url(password="geheim"))
    with pytest.raises(Unavailable, match="password authentication failed") as caught:
        await opened.read(words)
    await opened.aclose()
    assert "geheim" not in caught.value.message
    assert "127.0.0.1" not in caught.value.message


async def test_a_server_that_is_away_is_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Later helps; where it should have been is not told to clients."""
    opened = Database("postgresql://u@127.0.0.1:1/db")
    with pytest.raises(Unavailable, match="Connection refused") as caught:
        await opened.write(words)
    await opened.aclose()
    assert "127.0.0.1" not in caught.value.message
    assert caught.value.retry_after_s == 1


async def test_lost_connections_are_made_anew(database: Database, postgres: Postgres) -> None:
    """After a restart of the server nobody notices: reads, writes and appends find a new connection."""
    await database.write(insert("a"))
    for work in (database.read(words), database.write(insert("b")), database.append(insert("c"))):
        disconnect(postgres)
        await work
    assert await database.read(words) == ["a", "b", "c"]


async def test_a_connection_lost_amid_a_write_undoes_it(database: Database, postgres: Postgres) -> None:
    """What was half done is not there, it is not tried twice, and the error says that later helps."""
    calls = []

    def work(connection: Connection) -> None:
        calls.append("called")
        connection.execute(text("INSERT INTO words VALUES ('a')"))
        disconnect(postgres)
        words(connection)

    with pytest.raises(Unavailable):
        await database.write(work)
    assert calls == ["called"]
    assert await database.read(words) == []


async def test_reading_changes_nothing(database: Database) -> None:
    """A `read` that writes is a fault of ours, found by the server."""
    with pytest.raises(Unavailable, match="read-only"):
        await database.read(insert("a"))


async def test_appends_run_beside_each_other(database: Database, postgres_url: str) -> None:
    """Rows of one process do not wait for the rows of another, only for those who decide by what they read."""
    with closing(psycopg.connect(postgres_url)) as other:
        other.execute("SELECT pg_advisory_xact_lock_shared(%s)", (WRITERS,))
        await asyncio.wait_for(database.append(insert("a")), 5)
        waiting = asyncio.create_task(database.write(words))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        other.rollback()
        assert await waiting == ["a"]


async def test_what_met_another_transaction_is_done_again(database: Database, postgres_url: str) -> None:
    """Two that wait for each other: the server undoes one, and it succeeds when it is begun anew."""
    await database.write(insert("a"))
    await database.write(insert("b"))
    loop = asyncio.get_running_loop()
    other = Database(postgres_url)
    met = asyncio.Event()

    def take(connection: Connection, first: str, second: str) -> None:
        connection.execute(text("SELECT w FROM words WHERE w = :w FOR UPDATE"), {"w": first})
        loop.call_soon_threadsafe(met.set)
        connection.execute(text("SELECT pg_sleep(0.2)"))
        connection.execute(text("SELECT w FROM words WHERE w = :w FOR UPDATE"), {"w": second})

    await asyncio.gather(
        database.append(lambda connection: take(connection, "a", "b")),
        other.append(lambda connection: take(connection, "b", "a")),
    )
    await other.aclose()
    assert met.is_set()


async def test_a_statement_does_not_run_for_ever(database: Database) -> None:
    """Every connection has time-outs for statements, for locks, and for who forgets to commit."""

    def limits(connection: Connection) -> list[str]:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        return [str(connection.scalar(text(f"SHOW {name}"))) for name in names]

    assert await database.read(limits) == ["1min", "15s", "1min"]


async def test_a_value_that_does_not_fit_is_the_callers_fault(database: Database) -> None:
    """Too long, or with a character that the database has not: the request was wrong, not the server away."""
    with pytest.raises(InvalidRequest, match="too long"):
        await database.write(insert("too long"))
    with pytest.raises(InvalidRequest, match="NUL"):
        await database.write(insert("a\x00"))
    with pytest.raises(InvalidRequest, match="surrogate"):
        await database.write(insert("\ud800"))
