"""Tests of the stores of thoughts, in memory, a parent's, in a database and with both: one behaviour, four places."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text

from glmgate.app.parent_thoughts import ParentThoughts, lending
from glmgate.policy.bounded import ENTRY_BYTES
from glmgate.policy.memory import MemoryReasoningStore
from glmgate.policy.reasoning import ReasoningStore, Thought
from glmgate.routing.write_behind import WriteBehind
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.reasoning import SqlReasoningStore
from glmgate.storage.schema import reasoning
from glmgate.storage.upgrade import upgrade
from tests.fakes.clock import FakeClock
from tests.servers.plugin import url_of
from tests.transport.pairs import pair

TTL_S = 60.0
LONGEST = 100
ROOM = 4 * (ENTRY_BYTES + LONGEST)


@pytest.fixture
def clock() -> FakeClock:
    """The stores' time."""
    return FakeClock()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


@pytest.fixture(params=["memory", "parent", "sqlite", "postgres", "both"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[ReasoningStore]:
    """An empty store of each sort."""
    in_memory = MemoryReasoningStore(ttl_s=TTL_S, most_bytes=ROOM, longest_bytes=LONGEST, clock=clock)
    if request.param == "memory":
        yield in_memory
        return
    if request.param == "parent":
        async with pair(lending(in_memory)) as (_, peer):
            yield ParentThoughts(peer)
        return
    opened = await open_database(url_of(request.param, request, tmp_path))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(opened.aclose)
        in_database = SqlReasoningStore(opened, ttl_s=TTL_S, most_bytes=ROOM, longest_bytes=LONGEST, clock=clock)
        if request.param == "both":
            both = WriteBehind(in_database, front=in_memory)
            stack.push_async_callback(both.aclose)
            yield both
        else:
            yield in_database


def key(name: str) -> str:
    """A key as long as real ones are."""
    return name.ljust(64, "-")


async def keep(store: ReasoningStore, *thoughts: Thought, project: str = "p") -> None:
    """Keep thoughts, written if they are to be."""
    await store.keep(project, thoughts)
    if isinstance(store, WriteBehind):
        await store.aclose()


async def test_a_thought_comes_back_as_it_went(store: ReasoningStore) -> None:
    """Every character of it."""
    said = "Hm.\n\r\t 温度 \x00 \x1aN \x1aE\x1a 😀 '; DROP TABLE"
    await keep(store, Thought(key("a"), said))
    assert await store.find("p", [key("a"), key("b")]) == {key("a"): said}


async def test_nothing_is_found_in_an_empty_store(store: ReasoningStore) -> None:
    """For many keys and for none."""
    assert await store.find("p", [key(str(number)) for number in range(1200)]) == {}
    assert await store.find("p", []) == {}


async def test_another_project_finds_nothing(store: ReasoningStore) -> None:
    """Not even with the same key."""
    await keep(store, Thought(key("a"), "secret"), project="p")
    assert await store.find("q", [key("a")]) == {}
    await keep(store, Thought(key("a"), "mine"), project="q")
    assert await store.find("p", [key("a")]) == {key("a"): "secret"}


async def test_a_later_thought_takes_the_place_of_an_earlier_one(store: ReasoningStore) -> None:
    """The same words in the same conversation, said twice."""
    await keep(store, Thought(key("a"), "first"))
    await keep(store, Thought(key("a"), "second"))
    assert await store.find("p", [key("a")]) == {key("a"): "second"}


@pytest.mark.parametrize("other", ["another", ""])
async def test_a_sole_key_with_two_thoughts_gives_neither(store: ReasoningStore, other: str) -> None:
    """Ids that are not unique, or whose second call was not thought about, must not bring another call's thought."""
    await keep(store, Thought(key("a"), "one", sole=True))
    assert await store.find("p", [key("a")]) == {key("a"): "one"}
    await keep(store, Thought(key("a"), other, sole=True))
    assert await store.find("p", [key("a")]) == {}
    await keep(store, Thought(key("a"), "one", sole=True))
    assert await store.find("p", [key("a")]) == {}


async def test_a_sole_key_may_be_kept_twice_with_one_thought(store: ReasoningStore) -> None:
    """An answer from the cache has the same ids and the same thought."""
    await keep(store, Thought(key("a"), "one", sole=True))
    await keep(store, Thought(key("a"), "one", sole=True))
    assert await store.find("p", [key("a")]) == {key("a"): "one"}


async def test_a_thought_is_forgotten_in_time(store: ReasoningStore, clock: FakeClock) -> None:
    """Counted from when it was kept; being found does not prolong it."""
    await keep(store, Thought(key("a"), "old"))
    clock.advance(TTL_S - 1)
    assert await store.find("p", [key("a")]) == {key("a"): "old"}
    clock.advance(1)
    assert await store.find("p", [key("a")]) == {}


async def test_an_ambiguous_key_is_forgotten_too(store: ReasoningStore, clock: FakeClock) -> None:
    """After its time a key may be used again."""
    await keep(store, Thought(key("a"), "one", sole=True), Thought(key("a"), "two", sole=True))
    clock.advance(TTL_S)
    await keep(store, Thought(key("a"), "three", sole=True))
    assert await store.find("p", [key("a")]) == {key("a"): "three"}


async def test_what_is_too_long_is_not_kept(store: ReasoningStore) -> None:
    """Counted in bytes of UTF-8; what is kept beside it is kept."""
    await keep(store, Thought(key("a"), "é" * (LONGEST // 2)), Thought(key("b"), "é" * (LONGEST // 2) + "x"))
    assert set(await store.find("p", [key("a"), key("b")])) == {key("a")}


async def test_the_oldest_make_room(store: ReasoningStore, clock: FakeClock) -> None:
    """There is never more than there is room for, in all projects together."""
    for number in range(10):
        await keep(store, Thought(key(str(number)), "x" * LONGEST), project=f"p{number % 2}")
        clock.advance(1)
    names = [key(str(number)) for number in range(10)]
    found = {**await store.find("p0", names), **await store.find("p1", names)}
    assert set(found) == {key(str(number)) for number in range(6, 10)}


async def test_the_database_holds_no_more_than_its_room(database: Database, clock: FakeClock) -> None:
    """Whatever sizes come, also in one transaction; and what is over goes when something is kept."""
    store = SqlReasoningStore(database, ttl_s=TTL_S, most_bytes=ROOM, longest_bytes=LONGEST, clock=clock)
    for number in range(30):
        await store.keep(
            "p", [Thought(key(f"{number}-{part}"), "x" * (number * 7 % 101)) for part in range(number % 4)]
        )
        assert await database.read(held) <= ROOM
        clock.advance(1)
    clock.advance(TTL_S)
    await store.keep("p", [Thought(key("last"), "x")])
    assert await database.read(held) == ENTRY_BYTES + 1


def held(connection: Connection) -> int:
    """The bytes that the database says it holds."""
    return int(connection.scalar(select(func.coalesce(func.sum(reasoning.c.size), 0))) or 0)


async def test_workers_share_the_database(database: Database, database_url: str) -> None:
    """What one process keeps, another finds, through its own connection."""
    other = await open_database(database_url)
    make = partial(SqlReasoningStore, ttl_s=TTL_S, most_bytes=ROOM, longest_bytes=LONGEST)
    await make(database).keep("p", [Thought(key("a"), "shared")])
    assert await make(other).find("p", [key("a")]) == {key("a"): "shared"}
    await other.aclose()


async def test_keys_that_were_made_before_the_table_stay(database_url: str) -> None:
    """The revision adds to a database that has keys already, and changes nothing in it."""
    database = Database(database_url)
    await database.write(partial(upgrade, revision="0001"))
    await database.write(lambda connection: connection.execute(text("INSERT INTO facts VALUES ('kept', 'yes')")))
    await database.write(upgrade)
    await SqlReasoningStore(database, ttl_s=1, most_bytes=ROOM, longest_bytes=LONGEST).keep(
        "p", [Thought(key("a"), "x")]
    )
    assert await database.read(lambda connection: connection.scalar(text("SELECT value FROM facts"))) == "yes"
    await database.aclose()
