"""Sums of the ledger: those by day and those of the rows answer the same, whatever is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmgate.errors import InvalidRequest
from glmgate.policy.ledger import Amount, Owner, Reserved, Row, Settled
from glmgate.policy.usage import Dimension, UsageQuery, UsageRow, Width
from glmgate.storage.database import Database
from glmgate.storage.ledger import lose, move
from glmgate.storage.opening import open_database
from glmgate.storage.reports import SqlReports
from glmgate.wire.charge import Units
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from tests.storage.attempts import charge, ended, reserved, settled

DAY = 86400
T0 = 20_000.0 * DAY
Only = Mapping[Dimension, tuple[str, ...]]
NO_FILTER: Only = {}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


async def put(database: Database, rows: Iterable[Row]) -> None:
    """Move rows into the ledger."""
    await database.append(partial(move, batch=list(rows)))


def owner(key: str, project: str = "default") -> Owner:
    """Whose request it is."""
    return Owner(key_id=key, organisation="default", project=project)


def attempt(number: int, at: float, cost: int | None, n: int = 0, **changes: Any) -> tuple[Reserved, Settled]:
    """An attempt at that time that cost so much."""
    outcome, currency = changes.pop("outcome", "ok"), changes.pop("currency", "USD")
    told = charge(10, 5, cost, currency=currency, estimated=changes.pop("estimated", False))
    return reserved(number, n, at=at, **changes), settled(number, n, at=at + 1, charge=told, outcome=outcome)


async def test_nothing_is_no_row(database: Database) -> None:
    """An empty ledger, and one with nothing at that time."""
    reports = SqlReports(database)
    for width in ("1m", "1d", "all"):
        assert await reports.attempts(UsageQuery(T0, T0 + DAY, width)) == ()
    await put(database, attempt(1, T0 - 1, 5))
    assert await reports.attempts(UsageQuery(T0, T0 + DAY)) == ()


async def test_a_day_has_sums_by_currency(database: Database) -> None:
    """Currencies apart; what has no price and what is estimated is counted; a second attempt is no second request."""
    await put(
        database,
        [
            *attempt(1, T0, 5), *attempt(2, T0 + 5, 7, currency="CNY"), *attempt(3, T0 + 9, None, estimated=True),
            *attempt(3, T0 + 9, 11, n=1), reserved(4, at=T0 + 10),
        ],
    )  # fmt: skip
    (row,) = await SqlReports(database).attempts(UsageQuery(T0, T0 + 60))
    assert row == UsageRow(
        start=T0,
        end=T0 + DAY,
        group={},
        requests=3,
        attempts=4,
        usage=Usage(40, 20),
        units=Units(calls=4),
        amounts=(Amount("CNY", 7), Amount("USD", 16)),
        unpriced=1,
        estimated=1,
    )


async def test_groups_and_filters(database: Database) -> None:
    """By what attempts have in common, several at once, in their order; rows without the value are left out."""
    there = Place("vllm/glm-4.6", "vllm", "zai-org/GLM-4.6")
    await put(
        database,
        [
            *attempt(1, T0, 1, owner=owner("a")), *attempt(2, T0, 2, owner=owner("b")),
            *attempt(3, T0, 4, owner=owner("a"), place=there),
            *attempt(4, T0, 8, owner=owner("a"), outcome="cancelled"),
        ],
    )  # fmt: skip
    reports = SqlReports(database)

    async def found(*by: Dimension, only: Only = NO_FILTER) -> list[tuple[tuple[str, ...], int]]:
        query = UsageQuery(T0, T0 + DAY, "1d", by, only)
        return [(tuple(row.group.values()), row.amounts[0].amount) for row in await reports.attempts(query)]

    assert await found("key") == [(("a",), 13), (("b",), 2)]
    assert await found("model", "key") == [(("glm-4.6", "a"), 9), (("glm-4.6", "b"), 2), (("zai-org/GLM-4.6", "a"), 4)]
    assert await found("outcome") == [(("cancelled",), 8), (("ok",), 7)]
    assert await found("deployment", only={"key": ("a",)}) == [(("vllm/glm-4.6",), 4), (("zai/glm-4.6",), 9)]
    assert await found(only={"outcome": ("ok",), "key": ("a", "c")}) == [((), 5)]
    assert await found("key", only={"model": ("nobody",)}) == []


async def test_hours_and_minutes_come_from_the_rows(database: Database) -> None:
    """Each in its own bucket; bounds are widened to whole ones."""
    await put(database, [*attempt(1, T0 + 59, 1), *attempt(2, T0 + 60, 2), *attempt(3, T0 + 3600, 4)])
    reports = SqlReports(database)
    minutes = await reports.attempts(UsageQuery(T0 + 30, T0 + 61, "1m"))
    assert [(row.start - T0, row.end - T0, row.amounts[0].amount) for row in minutes] == [(0, 60, 1), (60, 120, 2)]
    hours = await reports.attempts(UsageQuery(T0, T0 + 7200, "1h"))
    assert [(row.start - T0, row.amounts[0].amount) for row in hours] == [(0, 3), (3600, 4)]


async def test_the_lost_count_as_unknown(database: Database) -> None:
    """In days as in minutes."""
    await put(database, [reserved(1, at=T0)])
    await database.write(partial(lose, instance="one", now=T0 + 100))
    for width in ("1m", "1d", "all"):
        query = UsageQuery(T0, T0 + DAY, width, ("outcome",))
        (row,) = await SqlReports(database).attempts(query)
        assert (row.group, row.amounts, row.estimated) == ({"outcome": "unknown"}, (Amount("USD", 5000),), 1)


async def test_requests_by_their_ending(database: Database) -> None:
    """All of them, also those that made no attempt; tokens are those that clients were told of."""
    await put(
        database,
        [
            ended(1, at=T0, usage=Usage(10, 5), amounts=(Amount("CNY", 3), Amount("USD", 4)), attempts=2),
            ended(2, at=T0 + 1, usage=Usage(10, 5), ending="cache_hit", amounts=(), attempts=0),
            ended(3, at=T0 + 2, usage=Usage(1, 1), amounts=(Amount("USD", 1),), estimated=True),
        ],
    )
    for width in ("1m", "1d", "all"):
        query = UsageQuery(T0, T0 + DAY, width, ("ending",))
        hit, done = await SqlReports(database).requests(query)
        assert (hit.group, hit.requests, hit.attempts, hit.amounts) == ({"ending": "cache_hit"}, 1, 0, ())
        assert (done.requests, done.attempts, done.usage, done.estimated) == (2, 3, Usage(11, 6), 1)
        assert done.amounts == (Amount("CNY", 3), Amount("USD", 5))


async def test_what_is_not_there_cannot_be_asked(database: Database) -> None:
    """Attempts have no ending, requests no deployment."""
    reports = SqlReports(database)
    with pytest.raises(InvalidRequest, match="no sums by 'ending'"):
        await reports.attempts(UsageQuery(0, 1, group_by=("ending",)))
    with pytest.raises(InvalidRequest, match="no sums by 'deployment'"):
        await reports.requests(UsageQuery(0, 1, filters={"deployment": ("zai/glm-4.6",)}))


ATTEMPTS = st.lists(
    st.tuples(
        st.integers(0, 4 * DAY - 1),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["ok", "cancelled"]),
        st.one_of(st.none(), st.integers(0, 100)),
    ),
    max_size=12,
)
BOUNDS = st.tuples(st.integers(0, 4 * DAY), st.integers(1, 4 * DAY))
GROUPS = st.sampled_from([(), ("key",), ("outcome",), ("key", "outcome")])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ATTEMPTS, BOUNDS, GROUPS, st.sampled_from(["1m", "1h", "1d", "all"]))
async def test_sums_are_those_of_the_rows(
    tmp_path: Path,
    made: list[tuple[int, str, str, int | None]],
    bounds: tuple[int, int],
    by: tuple[Dimension, ...],
    width: Width,
) -> None:
    """Whatever time is asked for, by whatever: counted here in Python, one by one."""
    (tmp_path / "g.db").unlink(missing_ok=True)
    database = await open_database(f"sqlite:///{tmp_path}/g.db")
    query = UsageQuery(T0 + bounds[0], T0 + bounds[0] + bounds[1], width, by)
    try:
        for number, (at, key, outcome, cost) in enumerate(made):
            await put(database, attempt(number, T0 + at, cost, owner=owner(key), outcome=outcome))
        found = await SqlReports(database).attempts(query)
    finally:
        await database.aclose()
    expected: dict[tuple[float, tuple[str, ...]], list[int]] = defaultdict(lambda: [0, 0])
    for start, end in query.buckets():
        for at, key, outcome, cost in made:
            if start <= T0 + at < end:
                names: dict[Dimension, str] = {"key": key, "outcome": outcome}
                sums = expected[start, tuple(names[name] for name in by)]
                sums[0] += 1
                sums[1] += cost or 0
    assert {
        (row.start, tuple(row.group.values())): [row.attempts, sum(each.amount for each in row.amounts)]
        for row in found
    } == dict(expected)
