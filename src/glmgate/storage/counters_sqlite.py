"""Counters in an SQLite file of their own: for several processes on one machine.

The file can be lost: limits begin anew then, and periods are loaded from the ledger. What is granted is decided by the
specification's own arithmetic (`policy.counters`), within a transaction that no other process can come between.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

from typing_extensions import override

from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.counters import LEASE_S, Ask, Bucket, Change, Counters, Lease, Outcome, Slot, Spend
from glmgate.policy.interfaces import Clock
from glmgate.storage.counted import SWEEP_S, decided, owed_now, unloaded
from glmgate.storage.sqlite import write_ahead

_T = TypeVar("_T")
_Job = tuple[Callable[[float], object], "asyncio.Future[Any]"]

# A transaction takes a tenth of a millisecond; who waits longer has met a process that the system has stopped.
_BUSY_S: Final = 2.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS debts (
    name TEXT PRIMARY KEY, owed INTEGER NOT NULL, at_ms INTEGER NOT NULL, cap INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    name TEXT, holder TEXT, until REAL NOT NULL, PRIMARY KEY (name, holder)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS periods (
    name TEXT PRIMARY KEY, used INTEGER NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spend_leases (
    name TEXT, holder TEXT, amount INTEGER NOT NULL, until REAL NOT NULL, PRIMARY KEY (name, holder)) WITHOUT ROWID;
"""


class SqliteCounters(Counters):
    """Counters for all processes that open the same file; their clock is the machine's.

    Work is done in one thread. What came while the thread was busy is done next, all of it in one transaction.
    """

    def __init__(self, file: Path, *, lease_s: float = LEASE_S, clock: Clock = time.time) -> None:
        self._lease_s = lease_s
        self._clock = clock
        self._swept = clock()
        self._waiting: list[_Job] = []
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="glmgate-counters")
        try:
            self._connection = _connected(file)
        except sqlite3.Error as exc:
            raise SettingsError(f"The counters' file {str(file)!r} cannot be used: {exc}. It may be deleted.") from exc

    async def aclose(self) -> None:
        """Close the file, after the work in hand."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)

    @override
    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        return await self._run(lambda now: self._take(holder, asks, now))

    @override
    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        def work(now: float) -> None:
            for change in changes:
                ask = change.ask
                if isinstance(ask, Slot):
                    self._do("DELETE FROM leases WHERE name = ? AND holder = ?", ask.name, holder)
                elif isinstance(ask, Spend):
                    self._spend(ask.name, change.by + self._ended(ask.name, holder, change.held))
                elif change.by:
                    self._owe(ask, change.by, self._found(holder, ask, now) or 0, now)

        await self._run(work)

    @override
    async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        held, lent = list(slots), list(leases)

        def work(now: float) -> Sequence[Lease]:
            statement = "UPDATE leases SET until = ? WHERE name = ? AND holder = ? AND until > ?"
            self._connection.executemany(statement, [(now + self._lease_s, *slot, now) for slot in held])
            return self._renewed(lent, now)

        return await self._run(work)

    @override
    async def load(self, used: Mapping[str, tuple[int, float]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        rows = [(name, amount, name, until) for name, (amount, until) in used.items()]
        lent = list(leases)

        def work(now: float) -> Sequence[Lease]:
            self._connection.executemany(
                "INSERT INTO periods VALUES "
                "(?, ? + (SELECT coalesce(sum(amount), 0) FROM spend_leases WHERE name = ?), ?) ON CONFLICT DO NOTHING",
                rows,
            )
            return self._renewed(lent, now)

        return await self._run(work)

    @override
    async def leased(self, name: str) -> int:
        query = "SELECT coalesce(sum(amount), 0) FROM spend_leases WHERE name = ?"
        return await self._run(lambda _: (self._one(query, name) or (0,))[0])

    async def _run(self, work: Callable[[float], _T]) -> _T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()
        with self._lock:
            self._waiting.append((work, done))
            is_first = len(self._waiting) == 1
        if is_first:
            self._thread.submit(self._work, loop)
        return await done

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what waits. In the thread."""
        with self._lock:
            jobs, self._waiting = self._waiting, []
        answers: list[object] = []
        failure: Exception | None = None
        try:
            with _told(), _transaction(self._connection):
                now = self._clock()
                if now - self._swept > SWEEP_S:
                    self._swept = now
                    self._sweep(now)
                answers.extend(work(now) for work, _ in jobs)
        except Exception as exc:  # noqa: BLE001 -- told to every caller
            failure = exc
        loop.call_soon_threadsafe(_told_all, jobs, answers, failure)

    def _take(self, holder: str, asks: Sequence[Ask], now: float) -> Outcome:
        found = [self._found(holder, ask, now) for ask in asks]
        if missing := unloaded(asks, found):
            return missing
        outcome, grants = decided(asks, found, now)
        for (ask, granted), number in zip(grants, found, strict=False):
            self._apply(holder, ask, granted, number or 0, now)
        return outcome

    def _found(self, holder: str, ask: Ask, now: float) -> int | None:
        """What is owed, the slots of others, or what is used; None: that period is not known."""
        if isinstance(ask, Bucket):
            row = self._one("SELECT owed, at_ms, cap FROM debts WHERE name = ?", ask.name)
            return 0 if row is None else owed_now(*row, now_ms=int(now * 1000))
        if isinstance(ask, Slot):
            others = "SELECT count(*) FROM leases WHERE name = ? AND holder <> ? AND until > ?"
            return int((self._one(others, ask.name, holder, now) or (0,))[0])
        self._run_out(now, ask.name, holder)
        row = self._one("SELECT used FROM periods WHERE name = ?", ask.name)
        return None if row is None else int(row[0])

    def _apply(self, holder: str, ask: Ask, amount: int, found: int, now: float) -> None:
        if isinstance(ask, Bucket):
            self._owe(ask, amount, found, now)
        elif isinstance(ask, Slot):
            self._do(
                "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until",
                *(ask.name, holder, now + self._lease_s),
            )
        else:
            self._spend(ask.name, amount)
            if held := ask.leased(amount):
                self._do(
                    "INSERT INTO spend_leases VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                    "amount = amount + excluded.amount, until = excluded.until",
                    *(ask.name, holder, held, now + self._lease_s),
                )

    def _owe(self, ask: Bucket, amount: int, found: int, now: float) -> None:
        self._do(
            "INSERT INTO debts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "owed = excluded.owed, at_ms = max(at_ms, excluded.at_ms), cap = excluded.cap",
            *(ask.name, max(0, found + amount * ask.per_ms), int(now * 1000), ask.limit),
        )

    def _spend(self, name: str, by: int) -> None:
        if by:
            self._do("UPDATE periods SET used = max(0, used + ?) WHERE name = ?", by, name)

    def _renewed(self, leases: Iterable[Lease], now: float) -> Sequence[Lease]:
        """Renew them; those that were gone, and had to be made anew."""
        anew = []
        until = now + self._lease_s
        for name, holder, amount in leases:
            renewed = self._connection.execute(
                "UPDATE spend_leases SET until = ? WHERE name = ? AND holder = ?", (until, name, holder)
            )
            if not renewed.rowcount:
                anew.append((name, holder, amount))
                if amount:
                    self._do("INSERT INTO spend_leases VALUES (?, ?, ?, ?)", name, holder, amount, until)
                    self._spend(name, amount)
        return anew

    def _ended(self, name: str, holder: str, held: int) -> int:
        """End so much of a lease; what of it was not there."""
        if not held:
            return 0
        row = self._one("SELECT amount FROM spend_leases WHERE name = ? AND holder = ?", name, holder)
        there = 0 if row is None else row[0]
        if there > held:
            self._do("UPDATE spend_leases SET amount = ? WHERE name = ? AND holder = ?", there - held, name, holder)
        elif there:
            self._do("DELETE FROM spend_leases WHERE name = ? AND holder = ?", name, holder)
        return max(0, held - there)

    def _run_out(self, now: float, name: str, holder: str) -> None:
        """Give back what leases of the period held that nobody renewed; but for `holder`, who lives."""
        over = "name = ? AND until <= ? AND holder <> ?"
        row = self._one(f"SELECT sum(amount) FROM spend_leases WHERE {over}", name, now, holder)  # noqa: S608 -- ours
        if row is not None and row[0]:
            self._spend(name, -row[0])
            self._do(f"DELETE FROM spend_leases WHERE {over}", name, now, holder)  # noqa: S608 -- ours

    def _sweep(self, now: float) -> None:
        """Forget what says nothing any more, as a key's debts that are paid."""
        self._do("DELETE FROM debts WHERE owed <= cap * (? - at_ms)", int(now * 1000))
        self._do("DELETE FROM leases WHERE until <= ?", now)
        self._do("DELETE FROM periods WHERE until <= ?", now)
        over = self._connection.execute("SELECT DISTINCT name FROM spend_leases WHERE until <= ?", (now,)).fetchall()
        for (name,) in over:
            self._run_out(now, name, "")

    def _do(self, statement: str, *values: object) -> None:
        self._connection.execute(statement, values)

    def _one(self, statement: str, *values: object) -> tuple[int, ...] | None:
        row: tuple[int, ...] | None = self._connection.execute(statement, values).fetchone()
        return row


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        # NORMAL: a commit waits for no disk. What a power cut takes from the file is counted anew.
        connection.execute("PRAGMA synchronous = NORMAL")
        write_ahead(connection)
        with _transaction(connection):
            for statement in _TABLES.split(";"):
                connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _told_all(jobs: list[_Job], answers: list[object], failure: Exception | None) -> None:
    for place, (_, done) in enumerate(jobs):
        if done.done():  # its caller has gone
            continue
        if failure is None:
            done.set_result(answers[place])
        else:
            done.set_exception(failure)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise Unavailable(f"The counters cannot be used: {exc}.", retry_after_s=1) from exc
