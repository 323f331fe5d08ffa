"""One database: its connections, its transactions, and the threads that they run in.

No table is known here; `upgrade` brings the schema up to date, the stores ask and change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError

from glmgate.errors import GlmgateError, InvalidRequest, SettingsError, Unavailable
from glmgate.storage import postgres, sqlite

_T = TypeVar("_T")
_Begin = Callable[[Connection], None]

# Threads that read from PostgreSQL beside the one that writes: a look-up must not wait behind another.
_READERS: Final = 3
# How often a transaction is begun anew that the server undid, or whose connection was lost before it began.
_ATTEMPTS: Final = 4
_SECRETS: Final = ("password", "sslpassword")


class Database:
    """A database whose work is done in threads of its own, so that the event loop never waits for a disk.

    Not SQLAlchemy's asyncio extension: that imports the whole ORM, 0.34 s of a start that may take 1.5 s (measured),
    and for SQLite it hands the work to a thread just the same. An SQLite file has one thread; PostgreSQL has one for
    what writes, in the order that it was asked for, and some for what reads. Work may be called again where PostgreSQL
    undid it because of others, or lost the connection before it began.
    """

    def __init__(self, url: str) -> None:
        self.url = parsed(url)
        self.is_postgres = postgres.is_postgres(self.url)
        self._engine = _engine(self.url)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="glmgate-storage")
        self._readers = ThreadPoolExecutor(max_workers=_READERS) if self.is_postgres else self._writer
        self._will_append: _Begin = postgres.will_append if self.is_postgres else sqlite.will_write

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        return None if self.is_postgres else sqlite.sqlite_file(self.url)

    def __str__(self) -> str:
        """The URL, as it may be shown."""
        return shown(self.url)

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """What `work` answers, in a transaction that sees one state. Unavailable when the database fails."""
        return await self._run(self._readers, work, postgres.will_read if self.is_postgres else _nothing, again=True)

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """What `work` answers, in a transaction that no other `write` can come between. Unavailable as `read`.

        Unavailable says that nothing was changed, unless the connection broke during the very commit.
        """
        return await self._run(self._writer, work, postgres.will_write if self.is_postgres else sqlite.will_write)

    async def append(self, work: Callable[[Connection], _T]) -> _T:
        """As `write`, for work that decides nothing by what it reads: on PostgreSQL other appends run beside it."""
        return await self._run(self._writer, work, self._will_append)

    async def append_each(
        self, next_work: Callable[[], Callable[[Connection], _T] | None], done: Callable[[_T], None]
    ) -> None:
        """As `append`, one transaction after the other until `next_work` has none; `done` is told what each answered.

        Both are called in the thread, where `next_work` may wait: the event loop takes no part in it.
        """

        def every() -> None:
            while (work := next_work()) is not None:
                done(self._in_transaction(work, self._will_append))

        await asyncio.get_running_loop().run_in_executor(self._writer, every)

    async def aclose(self) -> None:
        """Close every connection, after the work in hand."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._readers.shutdown)
        if self._writer is not self._readers:
            await loop.run_in_executor(None, self._writer.shutdown)
        await loop.run_in_executor(None, self._engine.dispose)

    async def _run(
        self, threads: ThreadPoolExecutor, work: Callable[[Connection], _T], begin: _Begin, *, again: bool = False
    ) -> _T:
        run = partial(self._in_transaction, work, begin, again=again)
        return await asyncio.get_running_loop().run_in_executor(threads, run)

    def _in_transaction(self, work: Callable[[Connection], _T], begin: _Begin, *, again: bool = False) -> _T:
        """What `work` answers. In a thread."""
        with _mapped():
            for _ in range(_ATTEMPTS - 1):
                attempt = _Attempt(self._engine, begin)
                try:
                    return attempt(work)
                except DBAPIError as exc:
                    lost = exc.connection_invalidated and (again or not attempt.began)
                    if not lost and not postgres.was_undone(exc):
                        raise
            return _Attempt(self._engine, begin)(work)


class _Attempt:
    """One transaction. `began`: the work was called, so a lost connection leaves open what became of it."""

    def __init__(self, engine: Engine, begin: _Begin) -> None:
        self._engine = engine
        self._begin = begin
        self.began = False

    def __call__(self, work: Callable[[Connection], _T]) -> _T:
        with self._engine.connect() as connection:
            self._begin(connection)
            with connection.begin():
                self.began = True
                return work(connection)


def parsed(url: str) -> URL:
    """The URL of a database that can be served. Raises SettingsError, which shows no password."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError) as exc:
        # Without the text: where it cannot be read, nobody knows which part of it is the password.
        raise SettingsError(
            "[storage] url is not a database URL, such as sqlite:////var/lib/g.db or postgresql://user@host/name."
        ) from exc
    if not sqlite.is_sqlite(found) and not postgres.is_postgres(found):
        raise SettingsError(
            f"[storage] url {shown(found)!r} is not served: keys are kept in an SQLite file, sqlite:///PATH, or in "
            "PostgreSQL, postgresql://USER@HOST/NAME."
        )
    return found


def shown(url: URL) -> str:
    """The URL for people: no password in it, wherever it stood."""
    hidden = {name: "***" for name in _SECRETS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _engine(url: URL) -> Engine:
    if sqlite.is_sqlite(url):
        return sqlite.sqlite_engine(url)
    return postgres.postgres_engine(url, connections=_READERS + 1)


def _nothing(_: Connection) -> None:
    """Reading from SQLite needs nothing: a transaction there sees one state."""


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except GlmgateError:
        raise
    except (DataError, UnicodeEncodeError) as exc:
        said = postgres.cause(exc) if isinstance(exc, DBAPIError) else "a text holds half of a surrogate pair"
        raise InvalidRequest(f"The database cannot hold a value: {said}.") from exc
    except DBAPIError as exc:
        raise Unavailable(f"The database cannot be used: {postgres.cause(exc)}.", retry_after_s=1) from exc
