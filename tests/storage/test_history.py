"""The ledger's attempts one by one: read in pages, charged anew, and what estimates are learned from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from glmgate.policy.ledger import Amount, Counted, Row
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.policy.usage import UsageQuery
from glmgate.storage.audit import SqlAuditStore
from glmgate.storage.database import Database
from glmgate.storage.history import History, Lesson
from glmgate.storage.ledger import lose, move
from glmgate.storage.opening import open_database
from glmgate.storage.reports import SqlReports
from glmgate.storage.schema import ledger, requests
from glmgate.wire.charge import Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from tests.storage.attempts import COST, NOW, agree, charge, ended, reserved, settled, uid

VLLM = Place("vllm/glm-4.6", "vllm", "glm-4.6")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


def prices(rate: int, currency: str = "USD", model: str = "glm-4.6") -> Prices:
    """One price, the same for prompts and answers, in nano-units for a token."""
    rates = Rates(prompt=rate * 10**6, answer=rate * 10**6)
    return Prices([Price(model=model, currency=currency, rates=rates)])


async def put(database: Database, rows: Iterable[Row]) -> None:
    """Move rows into the ledger."""
    await database.append(partial(move, batch=list(rows)))


async def all_of(
    database: Database, start: float = 0, end: float = 2 * NOW, upstream: str | None = None
) -> list[Counted]:
    """The attempts of that time."""
    return [row async for row in History(database).counted(start, end, upstream=upstream)]


async def amounts(database: Database) -> dict[str, tuple[int | None, str | None]]:
    """What each attempt costs."""
    query = select(ledger.c.id, ledger.c.amount, ledger.c.currency)
    return {row.id: (row.amount, row.currency) for row in await database.read(lambda c: c.execute(query).all())}


async def test_attempts_come_as_they_count(database: Database) -> None:
    """With the charge that was put down; those that are under way do not count."""
    await put(database, [reserved(1), settled(1), reserved(2)])
    assert await all_of(database) == [
        Counted(id=f"{uid(1)}.0", at=NOW, upstream="zai", model="glm-4.6", outcome="ok", charge=COST)
    ]


async def test_attempts_come_in_their_order_page_by_page(database: Database) -> None:
    """Each once, also where many were made at the same moment."""
    rows: list[Row] = []
    for number in range(11):
        rows += [reserved(number, at=NOW + number // 4), settled(number)]
    await put(database, rows)
    paged = [row.id async for row in History(database, page=3).counted(0, 2 * NOW)]
    assert paged == [f"{uid(number)}.0" for number in range(11)]
    within = await all_of(database, NOW + 1, NOW + 2)
    assert [row.id for row in within] == [f"{uid(number)}.0" for number in range(4, 8)]


async def test_attempts_of_one_upstream(database: Database) -> None:
    """An invoice is of one service."""
    await put(database, [reserved(1), settled(1), reserved(2, place=VLLM), settled(2)])
    assert [row.id for row in await all_of(database, upstream="vllm")] == [f"{uid(2)}.0"]


async def test_other_prices_change_rows_sums_and_requests(database: Database) -> None:
    """All three agree afterwards; the tokens stay, and so does what the prices say nothing of."""
    other = Place("zai/other", "zai", "other")
    await put(
        database,
        [
            reserved(1), settled(1), ended(1), reserved(2), settled(2, charge=charge(10, 10, None)),
            ended(2, amounts=(), unpriced=1), reserved(3, place=other), settled(3), reserved(4),
        ],
    )  # fmt: skip
    changes = await History(database).reprice(0, 2 * NOW, prices(5), actor="cli:me")
    assert [(each.upstream, each.model, each.attempts, each.before, each.after) for each in changes] == [
        ("zai", "glm-4.6", 2, (Amount("USD", 300),), (Amount("USD", 700),))
    ]
    assert await amounts(database) == {
        f"{uid(1)}.0": (600, "USD"), f"{uid(2)}.0": (100, "USD"), f"{uid(3)}.0": (300, "USD"),
        f"{uid(4)}.0": (5000, "USD"),
    }  # fmt: skip
    assert (await agree(database))["amount"] == 1000
    (day,) = await SqlReports(database).attempts(UsageQuery(NOW, NOW + 1))
    assert (day.amounts, day.unpriced, day.usage) == ((Amount("USD", 1000),), 0, Usage(190, 70))
    (told,) = await SqlReports(database).requests(UsageQuery(NOW, NOW + 1))
    assert (told.amounts, told.unpriced, told.requests) == ((Amount("USD", 700),), 0, 2)
    query = select(requests.c.amounts).order_by(requests.c.uid)
    found = await database.read(lambda c: c.scalars(query).all())
    assert [msgspec.json.decode(text) for text in found] == [{"USD": 600}, {"USD": 100}]


async def test_a_currency_may_change(database: Database) -> None:
    """Nothing is left in the old one."""
    await put(database, [reserved(1), settled(1), ended(1)])
    await History(database).reprice(0, 2 * NOW, prices(1, "CNY"), actor="cli:me")
    for view in (SqlReports(database).attempts, SqlReports(database).requests):
        (row,) = await view(UsageQuery(NOW, NOW + 1))
        assert {each.currency: each.amount for each in row.amounts if each.amount} == {"CNY": 120}


async def test_a_dry_run_changes_nothing(database: Database) -> None:
    """It says the same as the run after it; a second run has nothing to do."""
    await put(database, [reserved(1), settled(1), ended(1)])
    before = await amounts(database)
    dry = await History(database).repriced(0, 2 * NOW, prices(5))
    assert await amounts(database) == before
    assert await History(database).reprice(0, 2 * NOW, prices(5), actor="cli:me") == dry
    assert await History(database).reprice(0, 2 * NOW, prices(5), actor="cli:me") == ()


async def test_only_that_time_is_charged_anew(database: Database) -> None:
    """From the start to before the end."""
    await put(database, [row for number in range(3) for row in (reserved(number, at=NOW + number), settled(number))])
    await History(database).reprice(NOW + 1, NOW + 2, prices(5), actor="cli:me")
    assert [amount for _, (amount, _) in sorted((await amounts(database)).items())] == [300, 600, 300]


async def test_what_is_lost_is_charged_by_what_was_reserved(database: Database) -> None:
    """And stays what it is: unknown, an estimate; its truth may still come."""
    await put(database, [reserved(1)])
    await database.write(partial(lose, instance="one", now=NOW))
    await History(database).reprice(0, 2 * NOW, prices(1), actor="cli:me")
    assert await amounts(database) == {f"{uid(1)}.0": (1100, "USD")}
    await put(database, [settled(1)])
    assert (await agree(database))["amount"] == 300


async def test_lessons_are_what_services_told(database: Database) -> None:
    """Of answers that were heard to their end, the last ones, oldest first; estimates teach nothing."""
    estimated = Charge(usage=Usage(90, 40), estimated=True)
    told = Usage(80, 30)
    await put(
        database,
        [
            reserved(1, at=NOW + 1), settled(1), reserved(2, at=NOW + 2), settled(2, outcome="cancelled"),
            reserved(3, at=NOW + 3), settled(3, charge=estimated, reported=None),
            reserved(4, at=NOW + 4), settled(4, charge=estimated, reported=told), reserved(5, at=NOW + 5),
        ],
    )  # fmt: skip
    lessons = await History(database).recent(10)
    assert lessons == (Lesson("zai", "glm-4.6", 400, 120, COST.usage), Lesson("zai", "glm-4.6", 400, 120, told))
    assert await History(database).recent(1) == lessons[1:]


async def test_who_reprices_is_in_the_audit_log(database: Database) -> None:
    """With what it cost before and after, once; where nothing changes there is no row, nor of a look."""
    await put(database, [reserved(1), settled(1)])
    await History(database).repriced(0, 2 * NOW, prices(5))
    assert await acts(database) == []
    await History(database).reprice(0, 2 * NOW, prices(5), actor="cli:me")
    await History(database).reprice(0, 2 * NOW, prices(5), actor="cli:me")
    ((actor, action, subject, before, after),) = await acts(database)
    assert (actor, action, subject) == ("cli:me", "ledger.repriced", "ledger")
    span = {"since": 0, "until": 2 * NOW}
    assert before == {**span, "amounts": {"zai/glm-4.6": {"USD": "0.0000003"}}}
    assert after["amounts"]["zai/glm-4.6"]["USD"] != "0.0000003"


async def test_repricing_of_many_pages_says_when_it_begins_and_what_it_did(database: Database) -> None:
    """So that one that was killed in its middle is in the log too."""
    await put(database, [row for number in range(5) for row in (reserved(number, at=NOW + number), settled(number))])
    await History(database, page=2).reprice(0, 2 * NOW, prices(5), actor="cli:me")
    (_, began, _, _, span), (_, ended, _, before, _) = await acts(database)
    assert (began, span, ended) == ("ledger.repricing", {"since": 0, "until": 2 * NOW}, "ledger.repriced")
    assert before["amounts"] == {"zai/glm-4.6": {"USD": "0.0000015"}}


async def acts(database: Database) -> list[tuple[str, str, str, Any, Any]]:
    """What stands in the audit log."""
    return [
        (each.actor, each.action, each.subject, _read(each.before), _read(each.after))
        for each in await SqlAuditStore(database).entries(limit=100)
    ]


def _read(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
