"""Counters of a parent's memory, as its workers use them: the suite of all stores, and what workers add to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from glmgate.app.parent_counters import ParentCounters, lending
from glmgate.errors import Unavailable
from glmgate.policy.counters import Bucket, MemoryCounters, Refused, Slot, Spend, Taken
from tests.fakes.clock import FakeClock
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage
from tests.transport.pairs import pair, until


@dataclass(frozen=True)
class ParentStage:
    """A parent's counters over a channel, and a clock that is moved by hand."""

    clock: FakeClock
    counters: ParentCounters

    def now(self) -> float:
        """The time."""
        return self.clock()

    async def passes(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.advance(seconds)


class TestParentCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    async def stage(self) -> AsyncIterator[Stage]:
        """Counters over a channel."""
        clock = FakeClock()
        async with pair(lending(MemoryCounters(lease_s=LEASE_S, clock=clock))) as (_, peer):
            yield ParentStage(clock, ParentCounters(peer))


async def test_workers_count_together() -> None:
    """What one has taken the others have not."""
    counters = MemoryCounters()
    async with AsyncExitStack() as stack:
        peers = [(await stack.enter_async_context(pair(lending(counters))))[1] for _ in range(3)]
        workers = [ParentCounters(peer) for peer in peers]
        outcomes = [
            await workers[place % 3].take(f"h-{place}", [Bucket("rpm", 10), Slot("flight", 8)]) for place in range(12)
        ]
    assert [isinstance(each, Taken) for each in outcomes] == [True] * 8 + [False] * 4
    assert isinstance(outcomes[-1], Refused)
    assert outcomes[-1].index == 1


async def test_what_a_killed_worker_held_is_free_within_its_lease() -> None:
    """With the limit full: nobody renews for the dead."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    async with pair(lending(counters)) as (_, dying), pair(lending(counters)) as (_, other):
        for place in range(4):
            await ParentCounters(dying).take(f"h-{place}", [Slot("flight", 4)])
        dying.close()
        living = ParentCounters(other)
        assert isinstance(await living.take("new", [Slot("flight", 4)]), Refused)
        clock.advance(10)
        assert isinstance(await living.take("new", [Slot("flight", 4)]), Taken)


async def test_without_a_parent_the_store_is_away() -> None:
    """What holds then is decided by who counts."""
    async with pair(lending(MemoryCounters())) as (ours, peer):
        counters = ParentCounters(peer)
        await counters.load({"day": (5, 1e12)})
        taken = await counters.take("h", [Spend("day", 3, 1e12, limit=10)])
        assert isinstance(taken, Taken)
        assert taken.states[0].remaining == 2
        ours.close()
        await until(peer.lost.is_set)
        with pytest.raises(Unavailable):
            await counters.take("h", [Spend("day", 3, 1e12, limit=10)])
