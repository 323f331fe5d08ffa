"""Tests of the counters in memory: the suite of all stores, and its arithmetic against exact fractions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.counters import Bucket, Change, MemoryCounters, Refused, Slot, Spend, Taken, judge_bucket
from tests.fakes.clock import FakeClock
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage


@dataclass(frozen=True)
class MemoryStage:
    """Counters in memory, and a clock that is moved by hand."""

    clock: FakeClock
    counters: MemoryCounters

    def now(self) -> float:
        """The time."""
        return self.clock()

    async def passes(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.advance(seconds)


class TestMemoryCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    def stage(self) -> Stage:
        """Counters in memory."""
        clock = FakeClock()
        return MemoryStage(clock, MemoryCounters(lease_s=LEASE_S, clock=clock))


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 90), st.integers(0, 30)), max_size=40))
async def test_a_bucket_is_what_its_definition_says(limit: int, events: list[tuple[int, int]]) -> None:
    """Level by level, in exact fractions: min(limit, level + time * limit / 60), and granted where it is enough."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    level, seen = Fraction(limit), clock()
    for pause_s, amount in events:
        clock.advance(pause_s)
        level = min(Fraction(limit), level + Fraction(clock() - seen) * limit / 60)
        seen = clock()
        outcome = await counters.take("h", [Bucket("b", limit, amount)])
        assert isinstance(outcome, Taken) == (amount <= level)
        if isinstance(outcome, Taken):
            level -= amount
            assert outcome.states[0].remaining == math.floor(level)


@given(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(1, 100))
def test_who_is_refused_is_told_the_first_millisecond_that_helps(limit: int, owed: int, amount: int) -> None:
    """Not one later, not one earlier."""
    ask = Bucket("b", limit, min(amount, limit))
    wait_ms = round(judge_bucket(ask, owed).wait_s * 1000)
    assert judge_bucket(ask, max(0, owed - wait_ms * limit)).wait_s == 0
    assert wait_ms == 0 or judge_bucket(ask, max(0, owed - (wait_ms - 1) * limit)).wait_s > 0


async def test_a_clock_that_is_set_back_gives_nothing_away() -> None:
    """Nothing is paid back twice for the same time."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    ask = Bucket("b", 60, 60)
    await counters.take("a", [ask])
    clock.advance(-30)
    assert isinstance(await counters.take("b", [Bucket("b", 60)]), Refused)
    await counters.settle("a", [Change(ask, -10)])
    clock.advance(30)
    assert isinstance(await counters.take("b", [Bucket("b", 60, 11)]), Refused)
    assert isinstance(await counters.take("b", [Bucket("b", 60, 10)]), Taken)


async def test_counters_that_say_nothing_are_forgotten() -> None:
    """Paid debts, periods that are over and slots that are free: what thousands of keys left does not stay."""
    clock = FakeClock()
    counters = MemoryCounters(clock=clock)
    for number in range(200):
        spend = Spend(f"money-{number}", 1, clock() + 100, 10)
        await counters.load({spend.name: (0, spend.until)})
        await counters.take("a", [Bucket(f"b-{number}", 60), Slot(f"s-{number}", 1), spend])
        await counters.settle("a", [Change(Slot(f"s-{number}", 1))])
    assert len(counters) >= 400
    clock.advance(101)
    for number in range(400):
        clock.advance(100)
        await counters.take("a", [Bucket(f"other-{number}", 60)])
    assert len(counters) <= 4
