"""How a PostgreSQL database is opened: its driver, its time-outs, its locks, and how its transactions begin.

Which work is done in which thread is decided in `database`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from glmgate.errors import SettingsError

APPLICATION: Final = "glmgate"
"""What connections of ours call themselves, so that `db restore` sees whether a server runs."""

# As SQLite waits for another writer; a statement of ours takes milliseconds, a report over a year some seconds.
LOCK_S: Final = 15
STATEMENT_S: Final = 60
# A connection whose other end is gone without a word is given up after about a minute (tcp(7)).
_CONNECT: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# The bytes of "glmgate": the one advisory lock of writers. Such locks belong to one database of the server.
WRITERS: Final = 0x676C6D67617465
_LOCK: Final = "glmgate_lock"
_ALONE: Final = "SELECT pg_advisory_xact_lock(%s)"
_BESIDE: Final = "SELECT pg_advisory_xact_lock_shared(%s)"
_SERIALIZATION: Final = frozenset({"40001", "40P01"})
_WHERE: Final = re.compile(r"connection to server (at|on) .*? failed: |connection (failed|is bad): ", re.DOTALL)


def is_postgres(url: URL) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}


def postgres_engine(url: URL, *, connections: int) -> Engine:
    """An engine with at most that many connections. Raises SettingsError where the driver is not installed."""
    given = {name: value for name, value in _CONNECT.items() if name not in url.query}
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"application_name": APPLICATION, **given},
            pool_size=connections,
            max_overflow=0,
        )
    except ImportError as exc:
        raise SettingsError(
            "[storage] url names a PostgreSQL database, and its driver is not installed: "
            "pip install 'glmgate[postgres]'."
        ) from exc
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begin)
    return engine


def _connected(connection: Any, _: ConnectionPoolEntry) -> None:  # noqa: ANN401 -- psycopg may not be installed
    # By a statement, since a pooler between us and the server refuses options that come with the connection.
    connection.execute(
        "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false), "
        "set_config('idle_in_transaction_session_timeout', %s, false), set_config('timezone', 'UTC', false)",
        (f"{LOCK_S}s", f"{STATEMENT_S}s", f"{STATEMENT_S}s"),
    )
    connection.commit()


def will_read(connection: Connection) -> None:
    """Have the transaction that begins next on the connection see one state, and change nothing."""
    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def will_write(connection: Connection) -> None:
    """Have the transaction that begins next on the connection wait until no other writer is under way.

    Each of its statements sees what was committed before (READ COMMITTED), so what it read stays true until it ends.
    SERIALIZABLE would let writers run side by side and undo all but one of those that met: eight writers that read a
    table of 200 rows and change one did 1,190 transactions a second with the lock, and 530 without it, for which 3,490
    were undone (docs/adr/0016).
    """
    connection.execution_options(isolation_level="READ COMMITTED", **{_LOCK: _ALONE})


def will_append(connection: Connection) -> None:
    """Have the transaction that begins next on the connection run beside others of its sort."""
    connection.execution_options(isolation_level="READ COMMITTED", **{_LOCK: _BESIDE})


def _begin(connection: Connection) -> None:
    lock = connection.get_execution_options().get(_LOCK)
    if lock is not None:
        connection.exec_driver_sql(lock, (WRITERS,))


def was_undone(exc: DBAPIError) -> bool:
    """Whether the server undid the transaction because of others', so that doing it again may work."""
    return getattr(exc.orig, "sqlstate", None) in _SERIALIZATION


def cause(exc: DBAPIError) -> str:
    """What went wrong, in one line, without the addresses that the driver adds: clients may come to read it."""
    text = getattr(getattr(exc.orig, "diag", None), "message_primary", None) or str(exc.orig)
    first = _WHERE.sub("", text).strip().splitlines()
    return first[0].rstrip(". ") if first else type(exc.orig).__name__
