"""Tests of pruning: what is too old goes, in portions; what is reserved, young, or a sum stays."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, insert, select

from glmgate.policy.reasoning import Thought
from glmgate.storage import pruning
from glmgate.storage.audit import SqlAuditStore
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.pruning import count, kinds, prune
from glmgate.storage.reasoning import SqlReasoningStore
from glmgate.storage.schema import ledger, ledger_days, reasoning, requests
from glmgate.storage.settings import RetentionSettings

NOW = 1_800_000_000.0
DAY = 86_400.0
TOKENS = dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"), 1)
TOLD = {f"told_{name}": 1 for name in TOKENS}
UNITS = dict.fromkeys(("calls", "images", "ms"), 0)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


def attempt(number: int, days: float, state: str = "settled") -> dict[str, object]:
    """A row of the ledger, so many days old."""
    return {
        "id": f"{number}.0", "at": NOW - days * DAY, "series_id": 1, "state": state, "outcome": "ok", **TOKENS, **UNITS,
        "estimated": False, "instance_id": "i", "prompt_bytes": 1, "answer_bytes": 1,
    }  # fmt: skip


def request(number: int, days: float) -> dict[str, object]:
    """A row of the requests, so many days old."""
    return {
        "uid": str(number), "at": NOW - days * DAY, "series_id": 1, "ending": "completed", "request_id": "r",
        "asked": "m", "attempts": 1, **TOLD, **TOKENS, "amounts": "{}", "unpriced": 0, "estimated": False, "seconds": 1,
    }  # fmt: skip


async def pruned(database: Database, **settings: int) -> dict[str, int]:
    """Prune as the settings say; how many rows of each table went."""
    found = kinds(RetentionSettings(**settings), now=NOW)
    before = {kind.table.name: await count(database, kind) for kind in found}
    gone = {kind.table.name: await prune(database, kind, actor="cli:me") for kind in found}
    assert gone == before
    return gone


async def test_what_is_too_old_goes(database: Database) -> None:
    """Attempts and requests each by their own setting; what is still reserved and the sums by day stay."""

    def fill(connection: Connection) -> None:
        rows = [attempt(1, 99), attempt(2, 101), attempt(3, 101, "unknown"), attempt(4, 500, "reserved")]
        connection.execute(insert(ledger), rows)
        connection.execute(insert(requests), [request(1, 9), request(2, 11)])
        day = {"day": 1, "series_id": 1, "outcome": "ok", "currency": "", "requests": 1, "attempts": 1}
        connection.execute(insert(ledger_days).values(**day, **TOKENS, **UNITS, amount=1, unpriced=0, estimated=0))

    await database.write(fill)
    assert await pruned(database, ledger_days=100, requests_days=10) == {"ledger": 2, "requests": 1, "reasoning": 0}
    assert await database.read(lambda c: sorted(c.scalars(select(ledger.c.id)))) == ["1.0", "4.0"]
    assert await database.read(lambda c: list(c.scalars(select(requests.c.uid)))) == ["1"]
    assert await database.read(lambda c: c.scalar(select(ledger_days.c.amount))) == 1


async def test_nothing_is_deleted_where_that_is_set(database: Database) -> None:
    """0 keeps for ever."""
    await database.write(lambda connection: connection.execute(insert(ledger), [attempt(1, 9999)]))
    assert await pruned(database, ledger_days=0, requests_days=0) == {"reasoning": 0}


async def test_thoughts_go_when_their_time_is_over(database: Database) -> None:
    """Their time was set when they were kept."""
    store = SqlReasoningStore(database, ttl_s=10, most_bytes=10_000, longest_bytes=100, clock=lambda: NOW - 10)
    await store.keep("p", [Thought("over", "x")])
    store = SqlReasoningStore(database, ttl_s=20, most_bytes=10_000, longest_bytes=100, clock=lambda: NOW - 10.5)
    await store.keep("p", [Thought("on", "x")])
    assert (await pruned(database))["reasoning"] == 0
    for kind in kinds(RetentionSettings(), now=NOW + 1):
        await prune(database, kind, actor="cli:me")
    assert await database.read(lambda c: list(c.scalars(select(reasoning.c.key)))) == ["on"]


async def test_many_rows_go_in_portions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each a transaction of its own, so that nobody waits long; rows of one moment go together. Progress is told."""
    monkeypatch.setattr(pruning, "_AT_ONCE", 10)
    rows = [attempt(number, 500 - number // 4) for number in range(55)]
    await database.write(lambda connection: connection.execute(insert(ledger), rows))
    kind = kinds(RetentionSettings(), now=NOW)[0]
    told: list[tuple[int, int]] = []
    assert await prune(database, kind, actor="cli:me", progress=lambda done, total: told.append((done, total))) == 55
    assert [total for _, total in told] == [55] * len(told)
    assert [done for done, _ in told] == [12, 24, 36, 48, 55]


async def test_what_was_deleted_is_in_the_audit_log(database: Database) -> None:
    """One row for each table, of the transaction that begins it; where nothing goes there is none."""
    rows = [attempt(1, 401), attempt(2, 500)]
    await database.write(lambda connection: connection.execute(insert(ledger), rows))
    for _ in range(2):
        for kind in kinds(RetentionSettings(), now=NOW):
            await prune(database, kind, actor="cli:me")
    (entry,) = await SqlAuditStore(database).entries(limit=9)
    assert (entry.actor, entry.action, entry.subject) == ("cli:me", "database.pruned", "ledger")
    assert (entry.before, entry.after) == ('{"rows":2}', f'{{"until":{NOW - 400 * DAY}}}')
