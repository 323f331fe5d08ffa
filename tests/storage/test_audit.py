"""Tests of the audit log's store, in memory and in a database: rows are added in one chain, and read both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from glmgate.policy.audit import BEGIN, Act, Verifier
from glmgate.policy.interfaces import AccountStore, AuditStore, Changes
from glmgate.policy.memory_accounts import MemoryAccountStore
from glmgate.storage.audit import SqlAuditStore
from glmgate.storage.opening import open_database
from glmgate.storage.organisations import SqlAccountStore
from tests.servers.plugin import url_of

NOW = 1_800_000_000.123456
Stores = tuple[AccountStore, AuditStore]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """Where acts are written, and where they are read."""
    if request.param == "memory":
        both = MemoryAccountStore()
        yield both, both
        return
    database = await open_database(url_of(request.param, request, tmp_path))
    yield SqlAccountStore(database), SqlAuditStore(database)
    await database.aclose()


async def log(store: AccountStore, *acts: Act) -> None:
    """Write acts in one transaction."""

    def work(rows: Changes) -> None:
        for each in acts:
            rows.log(each, at=NOW)

    await store.change(work)


async def test_acts_come_back_as_they_went(stores: Stores) -> None:
    """Everything of them, the time to the microsecond, what was before and after as JSON with sorted names."""
    store, audit = stores
    await log(store, Act("me", "project.updated", "p1", {"name": "é", "a": 1}, {"name": "b", "a": None}))
    (entry,) = await audit.entries(limit=10)
    assert (entry.seq, entry.at, entry.actor, entry.action, entry.subject) == (1, NOW, "me", "project.updated", "p1")
    assert (entry.before, entry.after) == ('{"a":1,"name":"é"}', '{"a":null,"name":"b"}')
    assert entry.previous == BEGIN


async def test_rows_are_read_both_ways(stores: Stores) -> None:
    """By rising numbers after one, by falling numbers before one, no more than asked for."""
    store, audit = stores
    await log(store, *(Act("me", "project.created", f"p{number}") for number in range(1, 7)))
    assert [entry.seq for entry in await audit.entries(after=2, limit=3)] == [3, 4, 5]
    assert [entry.seq for entry in await audit.newest(limit=2)] == [6, 5]
    assert [entry.seq for entry in await audit.newest(before=3, limit=5)] == [2, 1]


async def test_acts_at_the_same_time_make_one_chain(stores: Stores) -> None:
    """Each follows the one before it, whoever was first."""
    store, audit = stores
    await asyncio.gather(*(log(store, Act("me", "project.created", f"p{number}")) for number in range(12)))
    verifier = Verifier()
    verifier.feed(await audit.entries(limit=100))
    assert verifier.end() is None
    assert verifier.entries == 12


async def test_processes_make_one_chain(database_url: str) -> None:
    """Two that share a database write behind each other."""
    ours, theirs = await open_database(database_url), await open_database(database_url)
    try:
        stores = (SqlAccountStore(ours), SqlAccountStore(theirs))
        await asyncio.gather(*(log(stores[n % 2], Act("me", "project.created", f"p{n}")) for n in range(12)))
        verifier = Verifier()
        verifier.feed(await SqlAuditStore(ours).entries(limit=100))
        assert verifier.end() is None
        assert verifier.entries == 12
    finally:
        await ours.aclose()
        await theirs.aclose()
