"""Rows of the ledger for tests: an attempt, what came of it, a request's end."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from glmgate.policy.ledger import Amount, Ended, Owner, Reserved, Settled
from glmgate.storage.database import Database
from glmgate.storage.schema import ledger, ledger_days, request_days, requests
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place

NOW = 1_800_000_000.0
OWNER = Owner(key_id="key", organisation="default", project="default")
PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")


def uid(number: int) -> str:
    """The id of a request; later ones are greater."""
    return f"{number:032x}"


def charge(
    prompt: int, completion: int, amount: int | None, *, estimated: bool = False, currency: str = "USD"
) -> Charge:
    """What an attempt costs."""
    return Charge(
        usage=Usage(prompt, completion),
        units=ONE_CALL,
        amount=amount,
        currency=None if amount is None else currency,
        estimated=estimated,
        price=None if amount is None else "zai glm-4.6",
    )


ESTIMATE = charge(100, 1000, 5000, estimated=True)
COST = charge(90, 30, 300)


def reserved(number: int = 1, n: int = 0, **changes: Any) -> Reserved:
    """An attempt that is about to be made: the n-th of a request."""
    row = Reserved(
        id=f"{uid(number)}.{n}",
        request_uid=uid(number),
        at=NOW,
        instance="one",
        owner=OWNER,
        model="gpt-4o",
        place=PLACE,
        endpoint="chat",
        surface="openai",
        estimate=ESTIMATE,
        prompt_bytes=400,
    )
    return msgspec.structs.replace(row, **changes)


def settled(number: int = 1, n: int = 0, **changes: Any) -> Settled:
    """What came of it."""
    row = Settled(
        id=f"{uid(number)}.{n}",
        at=NOW + 2,
        outcome="ok",
        charge=COST,
        seconds=2.0,
        answer_bytes=120,
        reported=COST.usage,
    )
    return msgspec.structs.replace(row, **changes)


def ended(number: int = 1, **changes: Any) -> Ended:
    """The request's end."""
    row = Ended(
        uid=uid(number),
        request_id="client-chosen",
        at=NOW + 2,
        owner=OWNER,
        model="gpt-4o",
        answered_by="glm-4.6",
        endpoint="chat",
        surface="openai",
        ending="completed",
        seconds=2.0,
        first_s=0.5,
        attempts=1,
        usage=COST.usage,
        billed=COST.usage,
        amounts=(Amount("USD", 300),),
    )
    return msgspec.structs.replace(row, **changes)


def states(connection: Connection) -> dict[str, str]:
    """The state of every attempt, by its id."""
    return {row.id: row.state for row in connection.execute(select(ledger.c.id, ledger.c.state))}


def sums(connection: Connection) -> dict[str, Any]:
    """What the rows that count add up to, by themselves."""
    counted = ledger.c.state != "reserved"
    names = ("prompt_tokens", "completion_tokens", "amount")
    found = select(func.count(), *(func.coalesce(func.sum(ledger.c[name]), 0) for name in names)).where(counted)
    return dict(zip(("attempts", *names), (int(value) for value in connection.execute(found).one()), strict=True))


def day_sums(connection: Connection) -> dict[str, Any]:
    """What the sums by day say they add up to."""
    names = ("attempts", "prompt_tokens", "completion_tokens", "amount")
    found = select(*(func.coalesce(func.sum(ledger_days.c[name]), 0) for name in names))
    return dict(zip(names, (int(value) for value in connection.execute(found).one()), strict=True))


async def agree(database: Database) -> dict[str, Any]:
    """The sums of the attempts, which those by day agree with; the same of requests."""
    rows, days = await database.read(sums), await database.read(day_sums)
    assert days == rows
    count = await database.read(lambda connection: connection.scalar(select(func.count()).select_from(requests)))
    counted = await database.read(
        lambda connection: connection.scalar(select(func.coalesce(func.sum(request_days.c.requests), 0)))
    )
    assert count == counted
    return rows
