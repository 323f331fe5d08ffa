"""What every store of counters does: run against the memory's, SQLite's, PostgreSQL's and Redis's.

A subclass gives the fixture `stage`. Its time may be real, so the times here are short and refill is slow where it
would disturb.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Protocol

import pytest

from glmgate.policy.counters import Ask, Bucket, Change, Counters, Outcome, Refused, Slot, Spend, State, Taken, Unloaded

LEASE_S = 0.6
"""How long leases of the store under test have to be."""
SLOW_S = 100_000.0
"""A bucket that is refilled so slowly pays nothing back within a test."""


class Stage(Protocol):
    """A store under test, empty at first, its leases of `LEASE_S`."""

    @property
    def counters(self) -> Counters:
        """The store."""
        ...

    def now(self) -> float:
        """The store's time in Unix seconds, about."""
        ...

    async def passes(self, seconds: float) -> None:
        """Let so much time go by."""
        ...


def bucket(amount: int = 1, *, limit: int = 10, per_s: float = SLOW_S, name: str = "rpm") -> Bucket:
    """An ask of a bucket."""
    return Bucket(name, limit, amount, per_s)


def state(outcome: Outcome, index: int = 0) -> State:
    """The state of one ask, of a grant or of the refusal."""
    assert not isinstance(outcome, Unloaded)
    return outcome.states[index] if isinstance(outcome, Taken) else outcome.state


async def granted(counters: Counters, asks: Sequence[Ask], times: int) -> int:
    """Of so many requests at the same time, how many are granted."""
    outcomes = await asyncio.gather(*(counters.take(f"holder-{number}", asks) for number in range(times)))
    return sum(isinstance(outcome, Taken) for outcome in outcomes)


class CountersSuite:
    """The behaviour of a store of counters."""

    async def test_a_bucket_grants_exactly_its_limit(self, stage: Stage) -> None:
        """Of many that ask at once, as many as the limit says; the next are told when to come back."""
        assert await granted(stage.counters, [bucket(limit=40)], 60) == 40
        refused = await stage.counters.take("late", [bucket(limit=40)])
        assert isinstance(refused, Refused)
        assert refused.state.remaining == 0
        assert 0 < refused.state.wait_s <= SLOW_S / 40

    async def test_a_bucket_refills_evenly(self, stage: Stage) -> None:
        """After a part of its time, that part is there again, and not more."""
        assert await granted(stage.counters, [bucket(limit=4, per_s=2.0)], 5) == 4
        await stage.passes(1.05)
        assert await granted(stage.counters, [bucket(limit=4, per_s=2.0)], 4) == 2

    async def test_who_waits_as_told_is_granted(self, stage: Stage) -> None:
        """`wait_s` is long enough."""
        await stage.counters.take("a", [bucket(8, per_s=2.0)])
        wait_s = state(await stage.counters.take("b", [bucket(4, per_s=2.0)])).wait_s
        assert 0.3 < wait_s <= 0.4
        await stage.passes(wait_s)
        assert isinstance(await stage.counters.take("b", [bucket(4, per_s=2.0)]), Taken)

    async def test_a_bucket_says_what_is_left(self, stage: Stage) -> None:
        """And how long it takes until it is full again."""
        outcome = await stage.counters.take("a", [bucket(3)])
        assert state(outcome).remaining == 7
        assert state(outcome).granted == 3
        assert math.isclose(state(outcome).reset_s, SLOW_S * 3 / 10, rel_tol=0.01)

    @pytest.mark.parametrize("ask", [bucket(11, limit=10), bucket(0, limit=0), bucket(limit=0), Slot("s", 0)])
    async def test_what_can_never_be_granted_is_not_told_to_wait(self, stage: Stage, ask: Ask) -> None:
        """More than the limit, or a limit of nothing."""
        assert state(await stage.counters.take("a", [ask])).wait_s == math.inf

    async def test_what_was_not_used_is_given_back(self, stage: Stage) -> None:
        """A bucket that was asked for an estimate is told the truth; what is given back is there at once."""
        ask = bucket(10)
        await stage.counters.take("a", [ask])
        await stage.counters.settle("a", [Change(ask, -4)])
        assert await granted(stage.counters, [bucket()], 6) == 4

    async def test_more_than_was_reserved_is_taken(self, stage: Stage) -> None:
        """A bucket may fall below zero by settlement: who comes next waits for it."""
        ask = bucket(2)
        await stage.counters.take("a", [ask])
        await stage.counters.settle("a", [Change(ask, 13)])
        refused = state(await stage.counters.take("b", [bucket()]))
        assert refused.remaining == -5
        assert math.isclose(refused.wait_s, SLOW_S * 6 / 10, rel_tol=0.01)

    async def test_giving_back_makes_no_bucket_fuller_than_full(self, stage: Stage) -> None:
        """What was refilled meanwhile is not there twice."""
        ask = bucket(10, per_s=0.2)
        await stage.counters.take("a", [ask])
        await stage.passes(0.3)
        await stage.counters.settle("a", [Change(ask, -10)])
        assert state(await stage.counters.take("b", [bucket(per_s=0.2)])).remaining == 9

    async def test_a_limit_that_is_changed_holds_at_once(self, stage: Stage) -> None:
        """What was taken under the old one counts under the new one."""
        await stage.counters.take("a", [bucket(8)])
        assert isinstance(await stage.counters.take("b", [bucket(limit=8)]), Refused)
        assert state(await stage.counters.take("b", [bucket(limit=20)])).remaining == 11

    async def test_slots_are_granted_exactly(self, stage: Stage) -> None:
        """And one that ends lets one in."""
        holders = [f"holder-{number}" for number in range(9)]
        outcomes = await asyncio.gather(*(stage.counters.take(holder, [Slot("s", 5)]) for holder in holders))
        inside = [holder for holder, one in zip(holders, outcomes, strict=True) if isinstance(one, Taken)]
        assert len(inside) == 5
        await stage.counters.settle(inside[0], [Change(Slot("s", 5))])
        assert isinstance(await stage.counters.take("next", [Slot("s", 5)]), Taken)
        refused = state(await stage.counters.take("last", [Slot("s", 5)]))
        assert refused.remaining == 0
        assert refused.wait_s > 0

    async def test_a_holder_has_one_slot(self, stage: Stage) -> None:
        """Asking again is no second one."""
        for _ in range(3):
            assert state(await stage.counters.take("a", [Slot("s", 2)])).remaining == 1

    async def test_a_slot_that_nobody_renews_is_free_again(self, stage: Stage) -> None:
        """As after a killed process; and not before its time."""
        await stage.counters.take("dead", [Slot("s", 1)])
        assert isinstance(await stage.counters.take("b", [Slot("s", 1)]), Refused)
        await stage.passes(LEASE_S + 0.05)
        assert isinstance(await stage.counters.take("b", [Slot("s", 1)]), Taken)

    async def test_a_slot_that_is_renewed_stays_taken(self, stage: Stage) -> None:
        """As long as it is."""
        await stage.counters.take("a", [Slot("s", 1)])
        for _ in range(3):
            await stage.passes(LEASE_S / 2)
            await stage.counters.renew([("s", "a")])
        assert isinstance(await stage.counters.take("b", [Slot("s", 1)]), Refused)

    async def test_renewing_makes_no_slot(self, stage: Stage) -> None:
        """A renewal that comes after the end of a request changes nothing."""
        await stage.counters.take("a", [Slot("s", 1)])
        await stage.counters.settle("a", [Change(Slot("s", 1))])
        await stage.counters.renew([("s", "a"), ("unknown", "a")])
        assert isinstance(await stage.counters.take("b", [Slot("s", 1)]), Taken)

    async def test_a_period_has_to_be_loaded(self, stage: Stage) -> None:
        """A store that knows nothing of a period says so and takes nothing; then what was loaded counts."""
        until = stage.now() + 1000
        asks: list[Ask] = [bucket(), Spend("money", 30, until, 100)]
        assert await stage.counters.take("a", asks) == Unloaded(("money",))
        await stage.counters.load({"money": (60, until)})
        outcome = await stage.counters.take("a", asks)
        assert [one.remaining for one in outcome.states] == [9, 10] if isinstance(outcome, Taken) else False

    async def test_a_period_is_loaded_once(self, stage: Stage) -> None:
        """Who loads later than another changes nothing."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (60, until)})
        await stage.counters.take("a", [Spend("money", 30, until, 100)])
        await stage.counters.load({"money": (0, until)})
        assert state(await stage.counters.take("b", [Spend("money", 30, until, 100)])).remaining == 10

    async def test_a_period_grants_exactly_its_limit(self, stage: Stage) -> None:
        """Of many at once; the others are told when the period ends."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (0, until)})
        assert await granted(stage.counters, [Spend("money", 10, until, 405)], 60) == 40
        refused = state(await stage.counters.take("late", [Spend("money", 10, until, 405)]))
        assert refused.remaining == 5
        assert math.isclose(refused.wait_s, 1000, rel_tol=0.05)

    async def test_the_rest_is_enough_for_who_says_so(self, stage: Stage) -> None:
        """It is granted what is left, all of it, unless that is less than its least."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (0, until)})
        ask = Spend("money", 70, until, 100, least=20)
        assert [state(await stage.counters.take(name, [ask])).granted for name in "abc"] == [70, 30, 0]

    async def test_no_rest_is_granted_twice(self, stage: Stage) -> None:
        """Many that are content with less share exactly what there is."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (0, until)})
        ask = Spend("money", 30, until, 1000, least=1)
        outcomes = await asyncio.gather(*(stage.counters.take(f"h{number}", [ask]) for number in range(50)))
        assert sum(state(outcome).granted for outcome in outcomes) == 1000

    async def test_a_period_without_limit_counts_and_never_refuses(self, stage: Stage) -> None:
        """It tells what was used, and that holds when it is given a limit."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (0, until)})
        outcome = await stage.counters.take("a", [Spend("money", 10**15, until)])
        assert (state(outcome).granted, state(outcome).remaining) == (10**15, -(10**15))
        assert isinstance(await stage.counters.take("b", [Spend("money", 1, until, 10**15)]), Refused)

    async def test_a_period_is_settled(self, stage: Stage) -> None:
        """Given back, and taken more than reserved: beyond the limit too."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (0, until)})
        ask = Spend("money", 100, until, 100)
        await stage.counters.take("a", [ask])
        await stage.counters.settle("a", [Change(ask, -60)])
        assert state(await stage.counters.take("b", [Spend("money", 10, until, 100)])).remaining == 50
        await stage.counters.settle("b", [Change(Spend("money", 10, until, 100), 75)])
        assert state(await stage.counters.take("c", [Spend("money", 1, until, 100)])).remaining == -25

    async def test_more_than_a_whole_period_is_never_granted(self, stage: Stage) -> None:
        """No waiting helps."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (0, until)})
        assert state(await stage.counters.take("a", [Spend("money", 101, until, 100)])).wait_s == math.inf

    async def test_what_nobody_counts_any_more_is_settled_in_silence(self, stage: Stage) -> None:
        """A period that is over, or that a store has lost, does not come back by a settlement."""
        ask = Spend("money", 10, stage.now() + 1000, 100)
        await stage.counters.settle("a", [Change(ask, -5), Change(Slot("s", 1))])
        assert await stage.counters.take("a", [ask]) == Unloaded(("money",))

    @pytest.mark.parametrize("full", ["rpm", "s", "money"])
    async def test_all_or_nothing(self, stage: Stage, full: str) -> None:
        """Whichever ask is refused, the others have taken nothing; it is named."""
        until = stage.now() + 1000
        await stage.counters.load({"money": (0, until)})
        limits = {"rpm": 5, "s": 5, "money": 5} | {full: 1}
        asks: list[Ask] = [
            bucket(limit=limits["rpm"]),
            Slot("s", limits["s"]),
            Spend("money", 1, until, limits["money"]),
        ]
        await stage.counters.take("first", asks)
        for number in range(3):
            outcome = await stage.counters.take(f"other-{number}", asks)
            assert isinstance(outcome, Refused)
            assert outcome.index == ["rpm", "s", "money"].index(full)
        asks = [bucket(limit=5), Slot("s", 5), Spend("money", 1, until, 5)]
        outcome = await stage.counters.take("last", asks)
        assert isinstance(outcome, Taken)
        assert [one.remaining for one in outcome.states] == [3, 3, 3]

    async def test_names_are_counted_apart(self, stage: Stage) -> None:
        """One that is full says nothing of another, nor does a holder of another name."""
        await stage.counters.take("a", [bucket(10), Slot("s", 1)])
        outcome = await stage.counters.take("a", [bucket(10, name="tpm"), Slot("t", 1)])
        assert isinstance(outcome, Taken)

    async def test_numbers_may_be_as_large_as_money(self, stage: Stage) -> None:
        """A million of a currency in nano-units, and a billion tokens a minute, are counted to the unit."""
        until = stage.now() + 1000
        million = 10**15
        await stage.counters.load({"money": (million - 1, until)})
        tokens = bucket(10**9, limit=10**9, per_s=60.0)
        outcome = await stage.counters.take("a", [Spend("money", 1, until, million), tokens])
        assert state(outcome, 1) == State(10**9, 0, 60.0)
        assert isinstance(await stage.counters.take("b", [Spend("money", 1, until, million)]), Refused)
