"""Tests of the store that never makes an answer wait: a slow, locked, broken or busy database behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection

from glmgate.errors import Unavailable
from glmgate.policy.memory import MemoryReasoningStore
from glmgate.policy.reasoning import ReasoningStore, Thought
from glmgate.routing.write_behind import WriteBehind
from glmgate.storage.opening import open_database
from glmgate.storage.reasoning import SqlReasoningStore

TTL_S = 60.0


def key(name: str) -> str:
    """A key as long as real ones are."""
    return name.ljust(64, "-")


class Broken(ReasoningStore):
    """A store behind which nothing is."""

    async def find(self, project: str, keys: object) -> dict[str, str]:
        """Fail."""
        raise Unavailable("no disk")

    async def keep(self, project: str, thoughts: object) -> None:
        """Fail."""
        raise Unavailable("no disk")


def memory() -> MemoryReasoningStore:
    """A store with room enough."""
    return MemoryReasoningStore(ttl_s=TTL_S, most_bytes=1 << 20, longest_bytes=1 << 16)


async def test_keeping_does_not_wait_for_the_database(tmp_path: Path) -> None:
    """A database that is locked holds up nobody: the thought is found here at once, and written when it can be."""
    database = await open_database(f"sqlite:///{tmp_path}/g.db")
    back = SqlReasoningStore(database, ttl_s=TTL_S, most_bytes=1 << 20, longest_bytes=1 << 16)
    store = WriteBehind(back, front=memory())
    other = await open_database(f"sqlite:///{tmp_path}/g.db")
    locked, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Connection) -> None:
        loop.call_soon_threadsafe(locked.set)
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result(30)

    holding = asyncio.create_task(other.write(hold))
    await locked.wait()
    await asyncio.wait_for(store.keep("p", [Thought(key("a"), "quick")]), 0.2)
    assert await asyncio.wait_for(store.find("p", [key("a")]), 0.2) == {key("a"): "quick"}
    done.set()
    await holding
    await store.aclose()
    assert await back.find("p", [key("a")]) == {key("a"): "quick"}
    await other.aclose()
    await database.aclose()


async def test_a_broken_database_is_logged_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    """This process still finds what it kept, and the next thought is tried again."""
    store = WriteBehind(Broken(), front=memory())
    for name in "ab":
        await store.keep("p", [Thought(key(name), name)])
        await store.aclose()
    assert await store.find("p", [key("a"), key("b")]) == {key("a"): "a", key("b"): "b"}
    assert [record.message for record in caplog.records] == ["1 thoughts are not kept for other workers: no disk"] * 2


class Slow(MemoryReasoningStore):
    """A store that keeps nothing before it may; `kept` counts transactions."""

    def __init__(self) -> None:
        super().__init__(ttl_s=TTL_S, most_bytes=1 << 20, longest_bytes=1 << 16)
        self.may = asyncio.Event()
        self.kept = 0

    async def keep(self, project: str, thoughts: object) -> None:
        """Wait, then keep."""
        await self.may.wait()
        self.kept += 1
        await super().keep(project, thoughts)  # type: ignore[arg-type] # as given


async def test_what_waits_is_bounded_and_written_together(caplog: pytest.LogCaptureFixture) -> None:
    """Of more thoughts than the queue takes, the later ones are lost for others, which is logged with their number."""
    back = Slow()
    store = WriteBehind(back, front=memory(), most_waiting_bytes=10 * (64 + 100))
    for number in range(25):
        await store.keep("p", [Thought(key(str(number)), "x" * 100)])
        await asyncio.sleep(0)
    back.may.set()
    await store.aclose()
    names = [key(str(number)) for number in range(25)]
    assert len(await store.find("p", names)) == 25
    assert set(await back.find("p", names)) == set(names[:10])
    assert back.kept == 2
    assert caplog.records[-1].message == "the thoughts of 15 answers were not kept for other workers"
    await store.keep("p", [Thought(key("later"), "x")])
    await store.aclose()
    assert await back.find("p", [key("later")])
