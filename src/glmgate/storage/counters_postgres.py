"""Counters in PostgreSQL: for processes on several machines. Each call is one statement, a function in the database.

The tables are UNLOGGED, so no call waits for a disk; a crash of the server empties them: limits begin anew then, and
periods are loaded from the ledger. They belong to no migration: who needs them makes them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from glmgate.errors import Unavailable
from glmgate.policy.counters import LEASE_S, Ask, Bucket, Change, Counters, Lease, Outcome, Slot, Spend
from glmgate.storage.counted import SWEEP_S, decided, unloaded
from glmgate.storage.database import parsed
from glmgate.storage.postgres import WRITERS, cause, postgres_engine, was_undone

TABLES: Final = ("glmgate_counters", "glmgate_leases", "glmgate_spend_leases")
"""The tables that `counters_postgres.sql` makes."""
# Each waits for one call at a time; more of them than the server has cores help nobody.
_THREADS: Final = 4
_ATTEMPTS: Final = 3
_TAKE: Final = (
    "SELECT * FROM glmgate_take_2(%s, %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], "
    "%s::bigint[], %s)"
)
_SETTLE: Final = (
    "SELECT glmgate_settle_2(%s, %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], "
    "%s::bigint[], %s::text[])"
)
_RENEW: Final = "SELECT glmgate_renew_2(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s) AS anew"
_LOAD: Final = (
    "SELECT glmgate_load_2(%s::text[], %s::bigint[], %s::double precision[], %s::text[], %s::text[], "
    "%s::bigint[], %s) AS anew"
)
_SWEEP: Final = "SELECT glmgate_sweep_2()"
_IS_MADE: Final = (
    "SELECT bool_and(to_regclass(name) IS NOT NULL) AND to_regproc('glmgate_sweep_2') IS NOT NULL "
    "FROM unnest(%s::text[]) name"
)

_LEASED: Final = "SELECT coalesce(sum(amount), 0)::bigint AS leased FROM glmgate_spend_leases WHERE name = %s"


class PostgresCounters(Counters):
    """Counters for all processes that use the same database; their clock is the server's."""

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self._lease_s = lease_s
        self._engine = postgres_engine(parsed(url), connections=_THREADS)
        self._calls = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="glmgate-counters")
        self._swept = time.monotonic()
        self._is_made = False

    async def aclose(self) -> None:
        """Close every connection, after the work in hand."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._threads.shutdown)
        await loop.run_in_executor(None, self._engine.dispose)

    @override
    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        columns = [(ask.name, *_columns(ask), _likely(ask)) for ask in asks]
        row = await self._call(_TAKE, holder, *_turned(columns, 6), self._lease_s)
        missing = unloaded(asks, row.seen or ())
        return missing or decided(asks, row.seen or (), row.now_s)[0]

    @override
    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        slots = [change.ask.name for change in changes if isinstance(change.ask, Slot)]
        columns = [
            (change.ask.name, kind, change.by, limit, detail, change.held)
            for change in changes
            for kind, _, limit, detail in [_columns(change.ask)]
            if (change.by or change.held) and kind != "s"
        ]
        if columns or slots:
            await self._call(_SETTLE, holder, *_turned(columns, 6), slots)

    @override
    async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        held, lent = sorted(slots), list(leases)
        if not held and not lent:
            return []
        row = await self._call(_RENEW, *_turned(held, 2), *_turned(lent, 3), self._lease_s)
        return [lent[place - 1] for place in row.anew]

    @override
    async def load(self, used: Mapping[str, tuple[int, float]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        periods, lent = [(name, *values) for name, values in used.items()], list(leases)
        row = await self._call(_LOAD, *_turned(periods, 3), *_turned(lent, 3), self._lease_s)
        return [lent[place - 1] for place in row.anew]

    @override
    async def leased(self, name: str) -> int:
        return int((await self._call(_LEASED, name)).leased)

    async def _call(self, statement: str, *values: Any) -> Row[Any]:  # noqa: ANN401 -- what psycopg takes
        def work() -> Row[Any]:
            try:
                return self._tried(statement, values)
            except DBAPIError as exc:
                raise Unavailable(f"The counters cannot be used: {cause(exc)}.", retry_after_s=1) from exc

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _tried(self, statement: str, values: tuple[Any, ...]) -> Row[Any]:
        self._make_tables()
        if time.monotonic() - self._swept > SWEEP_S:
            self._swept = time.monotonic()
            self._once(_SWEEP, ())
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._once(statement, values)
            except DBAPIError as exc:
                # Where a call was done and its answer lost, it counts twice: a limit may be strict for once.
                if not exc.connection_invalidated and not was_undone(exc):
                    raise
        return self._once(statement, values)

    def _once(self, statement: str, values: tuple[Any, ...]) -> Row[Any]:
        with self._calls.connect() as connection:
            return connection.exec_driver_sql(statement, values).one()

    def _make_tables(self) -> None:
        if self._is_made:
            return
        with self._engine.begin() as connection:
            # Two that make the same thing at once disturb each other in spite of IF NOT EXISTS.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (WRITERS,))
            if not connection.exec_driver_sql(_IS_MADE, (list(TABLES),)).scalar_one():
                script = (resources.files(__package__) / "counters_postgres.sql").read_text(encoding="utf-8")
                connection.exec_driver_sql(script)
        self._is_made = True


def _columns(ask: Ask) -> tuple[str, int, int | None, int | None]:
    """How the functions are told an ask: its kind, amount, limit, and what is its kind's own."""
    if isinstance(ask, Bucket):
        return "b", ask.amount, ask.limit, ask.per_ms
    if isinstance(ask, Slot):
        return "s", 1, ask.limit, None
    assert isinstance(ask, Spend)
    return "p", ask.amount, ask.limit, ask.least


def _likely(ask: Ask) -> int | None:
    return ask.likely if isinstance(ask, Spend) else None


def _turned(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """The columns of these rows."""
    return [[row[place] for row in rows] for place in range(width)]
