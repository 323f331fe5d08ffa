"""Tests of both key stores, the one in memory and the one in a database: one behaviour, two places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from glmgate.policy.interfaces import KeyStore
from glmgate.policy.keys import Key, revoked, rotated
from glmgate.policy.memory import MemoryKeyStore
from glmgate.storage.keys import SqlKeyStore
from glmgate.storage.opening import open_database
from glmgate.wire.terms import Budget, Terms
from tests.servers.plugin import url_of

NOW = 1_800_000_000.0
KEY = Key(id="a1", name="one", created_at=NOW)
FULL = replace(
    KEY,
    generation=7,
    previous_until=NOW + 0.125,
    expires_at=NOW + 1e7,
    revoked_at=NOW + 0.1,
    kind="service",
    owner="svc_acct_1",
    terms=Terms(models=("glm-4.*",), rpm=5, budgets=(Budget(limit="12.50", unit="USD", mode="warn"),), tags=("a",)),
)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    """An empty store of each sort."""
    if request.param == "memory":
        yield MemoryKeyStore()
        return
    database = await open_database(url_of(request.param, request, tmp_path))
    yield SqlKeyStore(database)
    await database.aclose()


async def test_an_unknown_key_is_not_found(store: KeyStore) -> None:
    """An id that was never added gives None."""
    assert await store.find("a1") is None


@pytest.mark.parametrize(
    "key",
    [KEY, FULL],
    ids=["plain", "every member"],
)
async def test_a_key_comes_back_as_it_went(store: KeyStore, key: Key) -> None:
    """Every member of a key is kept exactly, times included."""
    await store.add(key)
    assert await store.find("a1") == key


async def test_keys_are_listed_oldest_first(store: KeyStore) -> None:
    """The list is in the order of making, and holds revoked keys too."""
    younger = Key(id="a0", name="younger", created_at=NOW + 1, revoked_at=NOW + 2)
    await store.add(younger)
    await store.add(KEY)
    assert await store.keys() == (KEY, younger)


async def test_the_first_key_is_kept_in_an_empty_store(store: KeyStore) -> None:
    """Where there is no key, the first is kept."""
    assert await store.add_first(KEY)
    assert await store.find("a1") == KEY


async def test_there_is_only_one_first_key(store: KeyStore) -> None:
    """Where a key is live, another first key is not kept."""
    await store.add(Key(id="b2", name="other", created_at=NOW, expires_at=NOW + 1))
    assert not await store.add_first(KEY)
    assert await store.find("a1") is None


@pytest.mark.parametrize("gone", [{"revoked_at": NOW}, {"expires_at": NOW}], ids=["revoked", "expired"])
async def test_keys_that_are_not_live_do_not_count_as_first(store: KeyStore, gone: dict[str, float]) -> None:
    """When every key was revoked or has expired, a first key is made again."""
    await store.add(Key(id="b2", name="gone", created_at=NOW - 1, **gone))  # type: ignore[arg-type] # times only
    assert await store.add_first(KEY)


async def test_of_first_keys_at_the_same_time_one_wins(store: KeyStore) -> None:
    """Several at once make one key."""
    kept = await asyncio.gather(*(store.add_first(replace(KEY, id=f"k{number}")) for number in range(8)))
    assert sum(kept) == 1
    assert len(await store.keys()) == 1


async def test_a_key_is_replaced(store: KeyStore) -> None:
    """A change is kept, where the key was as expected."""
    await store.add(KEY)
    after = rotated(KEY, now=NOW, overlap_s=5)
    assert await store.replace(KEY, after)
    assert await store.find("a1") == after


async def test_a_change_in_between_is_not_overwritten(store: KeyStore) -> None:
    """A rotation that was decided before somebody revoked the key does not bring it back."""
    await store.add(KEY)
    gone = revoked(KEY, now=NOW)
    await store.replace(KEY, gone)
    assert not await store.replace(KEY, rotated(KEY, now=NOW))
    assert await store.find("a1") == gone


async def test_an_unknown_key_is_not_replaced(store: KeyStore) -> None:
    """Replacing never adds."""
    assert not await store.replace(KEY, revoked(KEY, now=NOW))
    assert await store.keys() == ()


async def test_a_fact_is_pinned_once(store: KeyStore) -> None:
    """The first value of a fact stays, whatever is pinned later; each name has its own."""
    assert await store.pin("master_key", "one") == "one"
    assert await store.pin("master_key", "two") == "one"
    assert await store.pin("other", "two") == "two"
