"""Sums by day: what is added, and that nothing is added for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from glmgate.policy.ledger import Amount
from glmgate.storage import rows
from glmgate.storage.database import Database
from glmgate.storage.days import AttemptDays, RequestDays
from glmgate.storage.opening import open_database
from glmgate.storage.schema import ledger_days, request_days
from tests.storage.attempts import ended, reserved, settled


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


def attempt(number: int, n: int = 0) -> dict[str, Any]:
    """A settled row of the table `ledger`."""
    return rows.reserved(reserved(number, n), 7) | rows.settled(settled(number, n))


async def test_sums_are_added_to_those_that_are_there(database: Database) -> None:
    """Within one transaction and in the next; a further attempt of a request is no further request."""
    for numbers in ((1, 2), (3,)):
        days = AttemptDays()
        for number in numbers:
            days.count(attempt(number))
            days.count(attempt(number, n=1))
        await database.append(days.put)
    query = select(ledger_days.c.requests, ledger_days.c.attempts, ledger_days.c.prompt_tokens, ledger_days.c.amount)
    assert await database.read(lambda connection: [tuple(row) for row in connection.execute(query)]) == [
        (3, 6, 540, 1800)
    ]


async def test_what_cancels_itself_out_is_no_row(database: Database) -> None:
    """A row that is counted and counted no more leaves nothing."""
    days = AttemptDays()
    days.count(attempt(1))
    days.count(attempt(1), -1)
    await database.append(days.put)
    assert await database.read(lambda connection: connection.scalar(select(func.count()).select_from(ledger_days))) == 0


async def test_nothing_is_not_written(database: Database) -> None:
    """An empty portion touches no table."""

    def work(connection: Connection) -> None:
        AttemptDays().put(connection)
        RequestDays().put(connection)

    await database.append(work)


async def test_the_first_currency_counts_a_request(database: Database) -> None:
    """The others have its money alone, so that sums over currencies are right."""
    days = RequestDays()
    for row in (ended(1, amounts=(Amount("USD", 2), Amount("CNY", 1))), ended(2, amounts=())):
        days.count(rows.ended(row, 7), rows.amounts_of(row))
    await database.append(days.put)
    query = select(request_days.c.currency, request_days.c.requests, request_days.c.amount).order_by("currency")
    assert await database.read(lambda connection: [tuple(row) for row in connection.execute(query)]) == [
        ("", 1, 0), ("CNY", 1, 1), ("USD", 0, 2)
    ]  # fmt: skip
