"""Tests of the counters in an SQLite file: the suite of all stores, and what is the file's own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given

from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.counters import MemoryCounters, Slot, Spend, Taken
from glmgate.storage.counters_sqlite import SqliteCounters
from tests.fakes.clock import FakeClock
from tests.policy.counters_steps import STEPS, Step, agree
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage, bucket, state
from tests.storage.counters_stage import RealStage

TABLES = ("debts", "leases", "periods", "spend_leases")


class TestSqliteCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[Stage]:
        """Counters in a new file."""
        counters = SqliteCounters(tmp_path / "counters.db", lease_s=LEASE_S)
        yield RealStage(counters)
        await counters.aclose()


async def test_what_was_counted_outlives_the_process(tmp_path: Path) -> None:
    """A worker that is started again finds what the others have counted."""
    for expected in (9, 8):
        counters = SqliteCounters(tmp_path / "counters.db")
        outcome = await counters.take("a", [bucket(limit=10)])
        await counters.aclose()
        assert state(outcome).remaining == expected


async def test_what_says_nothing_any_more_is_forgotten(tmp_path: Path) -> None:
    """Paid debts, leases that ran out and periods that are over leave the file; what counts stays."""
    clock = FakeClock()
    counters = SqliteCounters(tmp_path / "counters.db", clock=clock)
    until = clock() + 30
    await counters.load({"over": (0, until), "on": (0, until + 1000)})
    await counters.take("a", [bucket(name="paid", per_s=10.0), bucket(name="owed"), Slot("s", 1)])
    await counters.take("dead", [Spend("over", 9, until, likely=1), Spend("on", 9, until + 1000, likely=1)])
    clock.advance(61)
    await counters.take("b", [Slot("t", 1), Spend("on", 9, until + 1000, likely=2)])
    await counters.aclose()
    with closing(sqlite3.connect(tmp_path / "counters.db")) as connection:
        names = [connection.execute(f"SELECT name FROM {table}").fetchall() for table in TABLES]  # noqa: S608 -- ours
        used = connection.execute("SELECT used FROM periods").fetchall()
    assert names == [[("owed",)], [("t",)], [("on",)], [("on",)]]
    assert used == [(1 + 9,)]


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """With its name, and that it may go."""
    (tmp_path / "counters.db").write_text("This is a letter. " * 100)
    with pytest.raises(SettingsError, match=r"counters\.db.*may be deleted"):
        SqliteCounters(tmp_path / "counters.db")


async def test_a_file_that_another_keeps_locked_is_unavailable(tmp_path: Path) -> None:
    """A call does not wait for ever, and takes nothing."""
    counters = SqliteCounters(tmp_path / "counters.db")
    with closing(sqlite3.connect(tmp_path / "counters.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await counters.take("a", [bucket(10, limit=10)])
        other.execute("ROLLBACK")
    assert isinstance(await counters.take("a", [bucket(10, limit=10)]), Taken)
    await counters.aclose()


@given(STEPS)
@example([Step("renew", "b", 1, 0), Step("pass", "a", 0, 40), Step("take", "a", 0, 0), Step("renew", "b", 0, 0)])
def test_leases_are_kept_as_in_memory(steps: Sequence[Step]) -> None:
    """Whatever holders do, and however late they are."""

    async def both() -> None:
        clock = FakeClock()
        with TemporaryDirectory() as folder:
            counters = SqliteCounters(Path(folder) / "counters.db", clock=clock)
            try:
                model = MemoryCounters(clock=clock)
                await agree(counters, model, steps, until=clock() + 10_000, passes=clock.advance)
            finally:
                await counters.aclose()

    asyncio.run(both())
