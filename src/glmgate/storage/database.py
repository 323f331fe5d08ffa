"""One database: its connections, its transactions, and the thread that they run in.

No table is known here; `upgrade` brings the schema up to date, the stores ask and change.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from glmgate.errors import GlmgateError, SettingsError, Unavailable

_T = TypeVar("_T")

# Longer than any transaction of ours, upgrades included; shorter than a client's patience.
_BUSY_S: Final = 15.0
_WRITES: Final = "glmgate_writes"
_WAL_ATTEMPTS: Final = 200


class Database:
    """A database whose work is done in one thread of its own, so that the event loop never waits for a disk.

    Not SQLAlchemy's asyncio extension: that imports the whole ORM, 0.34 s of a start that may take 1.5 s (measured),
    and for SQLite it hands the work to a thread just the same.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="glmgate-storage")

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """What `work` answers, in a transaction that sees one state. Unavailable when the database fails."""
        return await self._run(work, writes=False)

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """What `work` answers, in a transaction that no other writer can come between. Unavailable as `read`."""
        return await self._run(work, writes=True)

    async def aclose(self) -> None:
        """Close every connection, after the work in hand."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[Connection], _T], *, writes: bool) -> _T:
        def in_transaction() -> _T:
            with _mapped(), self._engine.connect() as connection:
                connection.execution_options(**{_WRITES: writes})
                with connection.begin():
                    return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_transaction)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise SettingsError(f"[storage] url {url!r} is not a database URL, such as sqlite:////var/lib/g.db.") from exc
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"} or parsed.database in {None, "", ":memory:"}:
        raise SettingsError(
            f"[storage] url {parsed.render_as_string()!r} is not served: this version keeps its keys in an SQLite "
            "file, sqlite:///PATH."
        )
    folder = Path(parsed.database or "").parent
    if not folder.is_dir():
        raise SettingsError(f"The database's folder {str(folder)!r} does not exist: make it, or change [storage] url.")
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_S})
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
    _write_ahead(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
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


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails when another has written between: take the lock at once.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except GlmgateError:
        raise
    except DBAPIError as exc:
        raise Unavailable(f"The database cannot be used: {exc.orig}.", retry_after_s=1) from exc
