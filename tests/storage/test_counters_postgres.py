"""Tests of the counters in PostgreSQL: the suite of all stores, and what is the database's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings

from glmgate.errors import Unavailable
from glmgate.policy.counters import Ask, Change, MemoryCounters, Slot, Spend, Taken, Unloaded
from glmgate.storage.counters_postgres import TABLES, PostgresCounters
from tests.policy.counters_steps import STEPS, Step, agree
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage, bucket, state
from tests.servers.postgres import Postgres, name_of
from tests.storage.counters_stage import RealStage

OLD_TABLES = """
CREATE UNLOGGED TABLE glmgate_counters (name text PRIMARY KEY, kind text NOT NULL, n bigint NOT NULL,
    at_ms bigint NOT NULL, cap bigint NOT NULL, until double precision) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE glmgate_leases (name text NOT NULL, holder text NOT NULL, until double precision NOT NULL,
    PRIMARY KEY (name, holder)) WITH (fillfactor = 50);
"""


class TestPostgresCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    async def stage(self, postgres_url: str) -> AsyncIterator[Stage]:
        """Counters in a database that has no tables."""
        counters = PostgresCounters(postgres_url, lease_s=LEASE_S)
        yield RealStage(counters)
        await counters.aclose()


@pytest.fixture
async def counters(postgres_url: str) -> AsyncIterator[PostgresCounters]:
    """Counters in a database that has no tables."""
    opened = PostgresCounters(postgres_url)
    yield opened
    await opened.aclose()


async def test_several_may_make_the_tables_at_once(postgres_url: str) -> None:
    """Servers that start together on an empty database."""
    several = [PostgresCounters(postgres_url) for _ in range(5)]
    outcomes = await asyncio.gather(*(each.take("a", [bucket(limit=5)]) for each in several))
    assert all(isinstance(outcome, Taken) for outcome in outcomes)
    for each in several:
        await each.aclose()


async def test_asks_in_any_order_do_not_wait_for_each_other(counters: PostgresCounters) -> None:
    """Whoever asks for a and b and whoever for b and a lock them in one order."""
    there: list[Ask] = [bucket(limit=1000, name="a"), bucket(limit=1000, name="b"), Slot("c", 1000)]
    calls = [counters.take(f"h{number}", there[:: 1 if number % 2 else -1]) for number in range(200)]
    outcomes = await asyncio.gather(*calls)
    assert all(isinstance(outcome, Taken) for outcome in outcomes)
    await asyncio.gather(
        *(
            counters.settle(f"h{number}", [Change(ask, -1) for ask in there[:: -1 if number % 2 else 1]])
            for number in range(200)
        )
    )
    outcome = await counters.take("last", there)
    assert [state(outcome, index).remaining for index in range(3)] == [999] * 3


async def test_the_tables_cost_no_disk_and_belong_to_no_migration(
    counters: PostgresCounters, postgres: Postgres, postgres_url: str
) -> None:
    """UNLOGGED: what a crash may empty needs no write-ahead log."""
    await counters.take("a", [bucket()])
    name = name_of(postgres_url)
    found = postgres.run(
        "SELECT relname, relpersistence::text FROM pg_class WHERE relname LIKE 'glmgate%s' AND relkind = 'r'", name=name
    )
    assert sorted(found) == [("glmgate_counters", "u"), ("glmgate_leases", "u"), ("glmgate_spend_leases", "u")]


async def test_a_crash_that_empties_the_tables_is_survived(
    counters: PostgresCounters, postgres: Postgres, postgres_url: str
) -> None:
    """Connections are made anew, limits begin anew, and periods ask to be loaded."""
    ask = Spend("money", 1, time.time() + 1000, 10)
    await counters.load({"money": (0, ask.until)})
    await counters.take("a", [ask, bucket(10)])
    name = name_of(postgres_url)
    postgres.run("TRUNCATE glmgate_counters, glmgate_leases, glmgate_spend_leases", name=name)
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname <> 'postgres'")
    assert await counters.take("a", [ask, bucket(10)]) == Unloaded(("money",))
    assert isinstance(await counters.take("a", [bucket(10)]), Taken)


async def test_what_says_nothing_any_more_is_forgotten(
    counters: PostgresCounters, postgres: Postgres, postgres_url: str
) -> None:
    """Paid debts, free slots and periods that are over go; what counts stays."""
    await counters.load({"over": (0, time.time() - 1), "on": (0, time.time() + 1000)})
    await counters.take("a", [bucket(name="paid", per_s=0.1), bucket(name="owed"), Slot("held", 1), Slot("free", 1)])
    await counters.settle("a", [Change(Slot("free", 1))])
    await asyncio.sleep(0.15)
    name = name_of(postgres_url)
    postgres.run("SELECT glmgate_sweep_2()", name=name)
    found = postgres.run("SELECT name FROM glmgate_counters ORDER BY name", name=name)
    assert found == [("held",), ("on",), ("owed",)]
    assert state(await counters.take("b", [bucket(name="owed")])).remaining == 8


async def test_a_database_that_is_away_is_unavailable() -> None:
    """Without its address."""
    away = PostgresCounters("postgresql://u@127.0.0.1:1/db")
    with pytest.raises(Unavailable, match="Connection refused") as caught:
        await away.take("a", [bucket()])
    assert "127.0.0.1" not in caught.value.message
    await away.aclose()


@given(STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_leases_are_kept_as_in_memory(counters: PostgresCounters, steps: Sequence[Step]) -> None:
    """Whatever holders do; how late they may be is in the suite."""
    await agree(counters, MemoryCounters(), steps, until=time.time() + 1000)


async def test_the_sweep_gives_back_what_the_dead_held(postgres: Postgres, postgres_url: str) -> None:
    """Also of a period that nobody asks for, and of one that nobody counts any more."""
    counters = PostgresCounters(postgres_url, lease_s=0.1)
    ask = Spend("money", 80, time.time() + 1000, 100, likely=30)
    await counters.load({"money": (0, ask.until)})
    await counters.take("dead", [ask])
    await counters.renew([], [("lost", "dead", 5)])
    await asyncio.sleep(0.15)
    name = name_of(postgres_url)
    postgres.run("SELECT glmgate_sweep_2()", name=name)
    assert postgres.run("SELECT name, n FROM glmgate_counters", name=name) == [("money", 30)]
    assert postgres.run("SELECT name FROM glmgate_spend_leases", name=name) == []
    await counters.aclose()


async def test_renewals_and_the_beginning_of_a_period_do_not_miss_each_other(postgres_url: str) -> None:
    """However they fall together, each lease is counted once beside what was loaded."""
    several = [PostgresCounters(postgres_url) for _ in range(3)]
    until = time.time() + 1000
    for number in range(20):
        name = f"money-{number}"
        await asyncio.gather(
            several[0].renew([], [(name, "a", 10)]),
            several[1].load({name: (5, until)}, [(name, "b", 20)]),
            several[2].renew([], [(name, "c", 40)]),
        )
        assert state(await several[0].take("look", [Spend(name, 0, until, 100)])).remaining == 100 - 75
    for each in several:
        await each.aclose()


async def test_tables_that_a_restored_backup_has_not_are_made_again(postgres: Postgres, postgres_url: str) -> None:
    """Their functions stay in the database when they are taken away."""
    for _ in range(2):
        counters = PostgresCounters(postgres_url)
        assert state(await counters.take("a", [bucket(limit=5)])).remaining == 4
        await counters.aclose()
        postgres.run(f"DROP TABLE {', '.join(TABLES)}", name=name_of(postgres_url))


async def test_servers_of_the_version_before_may_be_running(postgres: Postgres, postgres_url: str) -> None:
    """Their functions and tables are left to them, and their sweep leaves leases of spends alone."""
    before = "CREATE FUNCTION glmgate_sweep_1() RETURNS void LANGUAGE sql AS 'DELETE FROM glmgate_leases'"
    postgres.run(f"{OLD_TABLES} {before}", name=name_of(postgres_url))
    counters = PostgresCounters(postgres_url)
    ask = Spend("money", 80, time.time() + 1000, 100, likely=30)
    await counters.load({"money": (0, ask.until)})
    await counters.take("a", [ask])
    postgres.run("SELECT glmgate_sweep_1()", name=name_of(postgres_url))
    assert list(await counters.renew([], [("money", "a", 50)])) == []
    await counters.aclose()
