"""How an SQLite file is opened: its journal, its locks, and how its transactions begin.

Which work is done in which thread is decided in `database`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from glmgate.errors import SettingsError

# Longer than any transaction of ours, upgrades included; shorter than a client's patience.
BUSY_S: Final = 15.0
_WRITES: Final = "glmgate_writes"
_WAL_ATTEMPTS: Final = 200


def is_sqlite(url: URL) -> bool:
    """Whether the URL names an SQLite database, in a file or not."""
    return url.drivername in {"sqlite", "sqlite+pysqlite"}


def sqlite_file(url: URL) -> Path:
    """The database's file. Raises SettingsError where the URL names none, or its folder is missing."""
    if url.database in {None, "", ":memory:"}:
        raise SettingsError(
            f"[storage] url {url.render_as_string()!r} names no file: keys must outlive the program, so give sqlite:///"
            "PATH."
        )
    path = Path(url.database or "")
    if not path.parent.is_dir():
        raise SettingsError(
            f"The database's folder {str(path.parent)!r} does not exist: make it, or change [storage] url."
        )
    return path


def sqlite_engine(url: URL) -> Engine:
    """An engine on the URL's file. Raises SettingsError as `sqlite_file`."""
    sqlite_file(url)
    engine = create_engine(url, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begin)
    return engine


def _connected(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: it would not around SELECT and DDL (Python issue 10740).
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # With WAL a commit needs no fsync to keep the file whole; FULL adds one, so that a revoked key stays revoked
    # after a power cut (sqlite.org/wal.html, "Performance Considerations").
    connection.execute("PRAGMA synchronous = FULL")
    write_ahead(connection)


def write_ahead(connection: sqlite3.Connection) -> None:
    """Have the file keep a write-ahead log, whoever else opens it at the same time."""
    # Two processes that start on a new file: changing the journal's mode does not wait for locks as other work does.
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(0.02)
        else:
            return


def will_write(connection: Connection) -> None:
    """Have the transaction that begins next on the connection take the lock of writers at once."""
    connection.execution_options(**{_WRITES: True})


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails when another has written between: take the lock at once.
    writes = connection.get_execution_options().get(_WRITES, False)
    statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
    # By the driver itself: SQLAlchemy's own way takes ten times as long, for each group of the ledger's rows.
    with told(connection, statement):
        connection.connection.cursor().execute(statement)


@contextmanager
def told(connection: Connection, statement: str) -> Iterator[None]:
    """SQLAlchemy's errors for the driver's. A file has no connection that could be lost, which it looks for too."""
    try:
        yield
    except sqlite3.Error as exc:
        raise DBAPIError.instance(statement, None, exc, sqlite3.Error, dialect=connection.dialect) from exc
