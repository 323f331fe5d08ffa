"""The ledger's tables: each row counts once, however often and in whatever portions it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, func, select

from glmgate.policy.ledger import Amount, Row
from glmgate.storage.database import Database
from glmgate.storage.ledger import TRANSITIONS, lose, move
from glmgate.storage.opening import open_database
from glmgate.storage.rows import of_attempt
from glmgate.storage.schema import ledger, ledger_days, request_days, requests, series
from tests.storage.attempts import COST, ESTIMATE, NOW, agree, charge, ended, reserved, settled, states, uid

DAY = 86400.0


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


async def put(database: Database, *rows: Row) -> tuple[int, int, int]:
    """Move the rows: how many changed something, were there already, belong to nobody."""
    moved = await database.append(partial(move, batch=rows))
    return moved.changed, moved.repeated, len(moved.orphans)


def rows_of(connection: Connection, table: Table) -> int | None:
    """How many rows a table has."""
    return connection.scalar(select(func.count()).select_from(table))


async def test_a_reserved_attempt_does_not_count_yet(database: Database) -> None:
    """It is there with what was reserved, and in no sum."""
    assert await put(database, reserved()) == (1, 0, 0)
    assert await database.read(states) == {f"{uid(1)}.0": "reserved"}
    assert (await agree(database))["attempts"] == 0


async def test_settling_counts_what_it_cost(database: Database) -> None:
    """In the same portion as the reservation, or in another."""
    assert await put(database, reserved(1), settled(1), reserved(2)) == (3, 0, 0)
    assert await put(database, settled(2)) == (1, 0, 0)
    assert set((await database.read(states)).values()) == {"settled"}
    assert await agree(database) == {"attempts": 2, "prompt_tokens": 180, "completion_tokens": 60, "amount": 600}


async def test_replaying_changes_nothing(database: Database) -> None:
    """Twice the same journal: all of it is repeated, also within one portion."""
    rows = (reserved(1), settled(1), ended(1), reserved(2))
    assert await put(database, *rows, *rows) == (4, 4, 0)
    before = await agree(database)
    assert await put(database, *rows) == (0, 4, 0)
    assert await put(database, settled(1, charge=charge(1, 1, 10**9))) == (0, 1, 0)
    assert await agree(database) == before


async def test_what_nobody_reserved_is_told(database: Database) -> None:
    """A reservation that was cancelled before it was written leaves such a row; it counts nothing."""
    assert await put(database, settled(1)) == (0, 0, 1)
    assert await database.read(states) == {}


async def test_the_lost_count_as_they_were_reserved(database: Database) -> None:
    """Those of the dead process only; their outcome is `unknown`, and the cost is an estimate."""
    await put(database, reserved(1), reserved(2, instance="two"), reserved(3), settled(3))
    assert await database.write(partial(lose, instance="one", now=NOW + 60)) == 1
    assert await database.read(states) == {
        f"{uid(1)}.0": "unknown", f"{uid(2)}.0": "reserved", f"{uid(3)}.0": "settled"
    }  # fmt: skip
    assert (await agree(database))["amount"] == (ESTIMATE.amount or 0) + (COST.amount or 0)
    query = select(ledger.c.outcome, ledger.c.estimated, ledger.c.settled_at).where(ledger.c.state == "unknown")
    assert [tuple(row) for row in await database.read(lambda c: c.execute(query).all())] == [
        ("unknown", True, NOW + 60)
    ]
    assert await database.write(partial(lose, instance="one", now=NOW + 70)) == 0


async def test_one_that_was_taken_for_dead_may_still_tell_the_truth(database: Database) -> None:
    """Its settlement replaces the unknown one, once, in the sums too."""
    await put(database, reserved(1), reserved(2))
    await database.write(partial(lose, instance="one", now=NOW + 60))
    assert await put(database, settled(1), settled(1)) == (1, 1, 0)
    assert await put(database, settled(1)) == (0, 1, 0)
    assert (await agree(database))["amount"] == (COST.amount or 0) + (ESTIMATE.amount or 0)
    query = select(ledger_days.c.outcome, ledger_days.c.attempts).order_by(ledger_days.c.outcome)
    assert [tuple(row) for row in await database.read(lambda c: c.execute(query).all())] == [("ok", 1), ("unknown", 1)]


async def test_thousands_may_be_lost_at_once(database: Database) -> None:
    """More than go into one statement."""
    for start in range(0, 2400, 400):
        await put(database, *(reserved(number) for number in range(start, start + 400)))
    assert await database.write(partial(lose, instance="one", now=NOW)) == 2400
    assert (await agree(database))["attempts"] == 2400


async def test_sums_are_by_day_series_outcome_and_currency(database: Database) -> None:
    """An attempt counts on the UTC day on which it was made; without a price in no currency."""
    midnight = NOW // DAY * DAY
    await put(
        database,
        reserved(1, at=midnight - 1), settled(1, at=midnight + 5),
        reserved(2, at=midnight), settled(2, outcome="cancelled"),
        reserved(3, at=midnight), settled(3, charge=charge(1, 2, 7, currency="CNY")),
        reserved(4, at=midnight), settled(4, charge=charge(3, 4, None)),
        reserved(4, n=1, at=midnight), settled(4, n=1, charge=charge(5, 6, None, estimated=True)),
    )  # fmt: skip
    query = select(ledger_days).order_by(ledger_days.c.day, ledger_days.c.currency, ledger_days.c.outcome)
    found = [dict(row) for row in await database.read(lambda c: c.execute(query).mappings().all())]
    today = int(midnight // DAY)
    names = ("day", "currency", "outcome", "requests", "attempts", "amount", "unpriced", "estimated")
    assert [tuple(row[name] for name in names) for row in found] == [
        (today - 1, "USD", "ok", 1, 1, 300, 0, 0),
        (today, "", "ok", 1, 2, 0, 2, 1),
        (today, "CNY", "ok", 1, 1, 7, 0, 0),
        (today, "USD", "cancelled", 1, 1, 300, 0, 0),
    ]
    assert {row["series_id"] for row in found} == {of_attempt(reserved()).id}


async def test_a_request_counts_once_with_money_in_each_currency(database: Database) -> None:
    """The tokens are those that its client was told of."""
    amounts = (Amount("CNY", 5), Amount("USD", 7))
    assert await put(database, ended(1, amounts=amounts, attempts=2), ended(2, ending="client_left", amounts=())) == (
        2, 0, 0
    )  # fmt: skip
    query = select(request_days).order_by(request_days.c.ending, request_days.c.currency)
    found = await database.read(lambda c: c.execute(query).all())
    assert [(row.ending, row.currency, row.requests, row.attempts, row.amount, row.prompt_tokens) for row in found] == [
        ("client_left", "", 1, 1, 0, 90),
        ("completed", "CNY", 1, 2, 5, 90),
        ("completed", "USD", 0, 0, 7, 0),
    ]


async def test_a_series_is_written_once(database: Database) -> None:
    """By whoever meets it first; who knows that it is there does not write it again."""
    moved = await database.append(partial(move, batch=[reserved(1), ended(1)]))
    assert len(moved.series) == 2
    known = {each: each.id for each in moved.series}
    again = await database.append(partial(move, batch=[reserved(2), ended(2)], known=known))
    assert again.series == frozenset()
    await put(database, reserved(3))
    assert await database.read(lambda c: c.scalar(select(func.count()).select_from(series))) == 2


async def test_all_or_nothing(database: Database) -> None:
    """A portion that breaks leaves neither rows nor sums."""

    def broken(connection: Connection) -> None:
        move(connection, [reserved(1), settled(1), ended(1)])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.append(broken)
    for table in (ledger, ledger_days, requests, request_days, series):
        assert await database.read(partial(rows_of, table=table)) == 0


def test_nothing_leaves_settled() -> None:
    """The table of states: every state is known, and a settled attempt stays as it is."""
    assert set(TRANSITIONS) == {"absent", "reserved", "unknown", "settled"}
    assert TRANSITIONS["settled"] == {}
    assert {after for events in TRANSITIONS.values() for after in events.values()} < set(TRANSITIONS)


STORY = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "end", "lose"]), st.integers(0, 3)), min_size=1, max_size=25
)
PORTIONS = st.integers(1, 6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STORY, PORTIONS)
async def test_whatever_comes_in_whatever_portions(tmp_path: Path, story: list[tuple[str, int]], size: int) -> None:
    """One row for each attempt in the state that a simple model says, and sums that agree with the rows."""
    (tmp_path / "g.db").unlink(missing_ok=True)
    database = await open_database(f"sqlite:///{tmp_path}/g.db")
    expected: dict[int, str] = {}
    made: dict[str, Callable[[int], Row]] = {"reserve": reserved, "settle": settled, "end": ended}
    batch: list[tuple[str, int]] = []

    async def flush() -> None:
        """In one portion the order says nothing: what is reserved anywhere in it may be settled by it."""
        await put(database, *(made[event](number) for event, number in batch))
        for number in [number for event, number in batch if event == "reserve"]:
            expected.setdefault(number, "reserved")
        expected.update((number, "settled") for event, number in batch if event == "settle" and number in expected)
        batch.clear()

    try:
        for event, number in story:
            if event == "lose":
                await flush()
                await database.write(partial(lose, instance="one", now=NOW))
                expected = {each: "unknown" if state == "reserved" else state for each, state in expected.items()}
                continue
            batch.append((event, number))
            if len(batch) == size:
                await flush()
        await flush()
        found = await database.read(states)
        assert {f"{uid(number)}.0": state for number, state in expected.items()} == found
        await agree(database)
    finally:
        await database.aclose()
