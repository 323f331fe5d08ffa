"""What a budget's counter begins with: all that the ledger knows of, settled or not, of one scope in one period."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from glmgate.errors import Unavailable
from glmgate.policy.budgets import Span
from glmgate.policy.ledger import Owner, Row
from glmgate.storage.database import Database
from glmgate.storage.ledger import lose, move
from glmgate.storage.opening import open_database
from glmgate.storage.past import SqlPast
from glmgate.wire.terms import Level, Scope
from tests.storage.attempts import charge, reserved, settled

DAY = 86400
T0 = 20_000.0 * DAY
MONTH = Span(T0 - 8 * 3600, T0 + 30 * DAY - 8 * 3600)  # as in Shanghai: its days are not those of UTC


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


async def nothing() -> None:
    """Everything is in the database."""


async def put(database: Database, rows: Iterable[Row]) -> None:
    """Move rows into the ledger."""
    await database.append(partial(move, batch=list(rows)))


def attempt(number: int, at: float, cost: int, *, key: str = "k-1", project: str = "p-1", **more: Any) -> list[Row]:
    """An attempt of a key that cost so much, and 15 tokens."""
    owner = Owner(key_id=key, organisation="default", project=project)
    told = charge(10, 5, cost, currency=more.get("currency", "USD"))
    return [reserved(number, at=at, owner=owner), settled(number, at=at + 1, charge=told)]


async def spent(database: Database, level: Level, id_: str, unit: str = "USD", period: Span = MONTH) -> int:
    """What the ledger knows."""
    return await SqlPast(database, committed=nothing, instance="one").spent(Scope(level, id_), unit, period)


async def test_what_others_have_under_way_is_known(database: Database) -> None:
    """Of that scope, in that period; what this process has, and what is settled, is none of it."""
    owner = Owner(key_id="k-1", organisation="default", project="p-1")
    await put(database, attempt(1, T0, 3))
    await put(database, [reserved(2, at=T0, owner=owner, estimate=charge(1, 1, 20))])
    past = SqlPast(database, committed=nothing, instance="one")
    assert not await past.elsewhere(Scope("key", "k-1"), MONTH)
    await put(database, [reserved(3, at=T0, owner=owner, estimate=charge(1, 1, 400), instance="two")])
    assert await past.spent(Scope("key", "k-1"), "USD", MONTH) == 423
    assert await past.elsewhere(Scope("key", "k-1"), MONTH)
    assert not await past.elsewhere(Scope("key", "k-2"), MONTH)
    assert not await past.elsewhere(Scope("key", "k-1"), Span(T0 + 1, MONTH.until))


async def test_only_rows_of_its_own_are_looked_at(tmp_path: Path) -> None:
    """The first request of a key waits for this: neither all attempts of a month are gone through, nor all sums."""
    plans: list[str] = []

    def asked(_: Any, cursor: Any, statement: str, parameters: Any, *__: object) -> None:
        if statement.startswith("SELECT"):
            plans.extend(row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    database = await open_database(f"sqlite:///{tmp_path}/g.db")
    event.listen(Engine, "before_cursor_execute", asked)
    try:
        await spent(database, "key", "k-1", period=Span(T0, T0 + 31 * DAY))
    finally:
        event.remove(Engine, "before_cursor_execute", asked)
        await database.aclose()
    assert [plan for plan in plans if "ledger" in plan] == [
        "SEARCH ledger_days USING PRIMARY KEY (day=? AND series_id=?)",
        "SCAN ledger USING INDEX ix_ledger_reserved",
    ]


async def test_the_sums_of_each_scope_are_its_own(database: Database) -> None:
    """A key's, its project's and the organisation's; in money of one currency, or in tokens."""
    await put(
        database,
        [
            *attempt(1, T0, 5), *attempt(2, T0 + 3 * DAY, 7), *attempt(3, T0, 11, key="k-2"),
            *attempt(4, T0, 13, key="k-3", project="p-2"), *attempt(5, T0, 17, currency="CNY"),
        ],
    )  # fmt: skip
    assert await spent(database, "key", "k-1") == 12
    assert await spent(database, "project", "p-1") == 23
    assert await spent(database, "organisation", "default") == 36
    assert await spent(database, "key", "k-1", "CNY") == 17
    assert await spent(database, "key", "k-1", "tokens") == 45
    assert await spent(database, "key", "nobody") == 0


async def test_the_period_is_exact(database: Database) -> None:
    """To the second, whatever the time zone: the first of it counts, its end does not."""
    times = (MONTH.start - 1, MONTH.start, MONTH.until - 1, MONTH.until)
    await put(database, [row for number, at in enumerate(times) for row in attempt(number, at, 10**number)])
    assert await spent(database, "key", "k-1") == 110


async def test_what_is_under_way_counts_as_it_is_reserved(database: Database) -> None:
    """And so does what was lost; each once."""
    owner = Owner(key_id="k-1", organisation="default", project="p-1")
    estimate = charge(100, 50, 300, currency="USD")
    running = [reserved(number, at=T0, owner=owner, estimate=estimate, instance=f"i-{number}") for number in range(2)]
    await put(database, [*running, *attempt(9, T0, 5)])
    assert await spent(database, "key", "k-1") == 605
    assert await spent(database, "key", "k-1", "tokens") == 315
    assert await database.append(lambda connection: lose(connection, "i-1", T0 + 1)) == 1
    assert await spent(database, "key", "k-1") == 605


async def test_what_is_not_in_the_database_yet_is_waited_for(database: Database) -> None:
    """A process that has just put something down does not begin without it."""

    async def moved() -> None:
        await put(database, attempt(1, T0, 5))

    assert await SqlPast(database, committed=moved, instance="one").spent(Scope("key", "k-1"), "USD", MONTH) == 5


async def test_a_writer_that_is_stuck_makes_the_past_unknown(database: Database) -> None:
    """Then budgets are closed, or open, as the settings say; nobody waits for ever."""
    never = asyncio.Event()

    async def stuck() -> None:
        await never.wait()

    past = SqlPast(database, committed=stuck, instance="one", wait_s=0.01)
    with pytest.raises(Unavailable):
        await past.spent(Scope("key", "k-1"), "USD", MONTH)
