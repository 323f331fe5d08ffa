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


async def left(stage: Stage, ask: Ask) -> int:
    """What is left of a period of 100."""
    assert isinstance(ask, Spend)
    return state(await stage.counters.take("look", [Spend(ask.name, 0, ask.until, 100)])).remaining


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

    async def test_what_was_reserved_beyond_the_likely_comes_back(self, stage: Stage) -> None:
        """When nobody renews it, as after a killed process, and not before: the likely stays used."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=30)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("dead", [ask])
        assert await left(stage, ask) == 20
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 70
        assert await left(stage, ask) == 70

    async def test_who_was_refused_because_of_the_dead_is_let_in(self, stage: Stage) -> None:
        """The one that finds that a lease has run out has it already."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=10)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("dead", [ask])
        assert isinstance(await stage.counters.take("next", [ask]), Refused)
        await stage.passes(LEASE_S + 0.05)
        found = state(await stage.counters.take("next", [ask]))
        assert (found.granted, found.remaining) == (80, 10)

    async def test_what_leases_hold_is_told(self, stage: Stage) -> None:
        """All of them together, until they end; nothing of a period that nobody knows."""
        ask = Spend("money", 40, stage.now() + 1000, 100, likely=10)
        await stage.counters.load({"money": (0, ask.until)})
        assert await stage.counters.leased("money") == 0
        await stage.counters.take("a", [ask])
        await stage.counters.take("b", [ask])
        assert await stage.counters.leased("money") == 60
        await stage.counters.settle("a", [Change(ask, -35, 30)])
        assert await stage.counters.leased("money") == 30
        assert await stage.counters.leased("time") == 0

    @pytest.mark.parametrize("likely", [None, 80, 90])
    async def test_without_anything_beyond_the_likely_nothing_comes_back(
        self, stage: Stage, likely: int | None
    ) -> None:
        """There is no lease then; nor where nobody says what is likely."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=likely)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("dead", [ask])
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 20

    async def test_a_lease_is_of_what_was_granted(self, stage: Stage) -> None:
        """Which may be less than was asked for."""
        ask = Spend("money", 80, stage.now() + 1000, 100, least=1, likely=30)
        await stage.counters.load({"money": (50, ask.until)})
        assert state(await stage.counters.take("dead", [ask])).granted == 50
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 20

    async def test_a_lease_that_is_renewed_stays(self, stage: Stage) -> None:
        """As it is, whatever it would be made anew with; as long as it is renewed."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=30)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("a", [ask])
        for _ in range(3):
            await stage.passes(LEASE_S / 2)
            assert list(await stage.counters.renew([], [("money", "a", 77)])) == []
        assert await left(stage, ask) == 20
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 70

    async def test_a_request_ends_with_its_lease(self, stage: Stage) -> None:
        """What it has cost is used, and nothing comes back later."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=30)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("a", [ask])
        await stage.counters.settle("a", [Change(ask, 45 - 80, 50)])
        assert await left(stage, ask) == 55
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 55

    async def test_a_part_of_a_lease_may_end(self, stage: Stage) -> None:
        """Of what was taken so much is used for sure; the rest comes back when nobody renews it."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=30)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("a", [ask])
        await stage.counters.settle("a", [Change(ask, 0, 15)])
        assert await left(stage, ask) == 20
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 55

    async def test_who_was_only_slow_settles_right(self, stage: Stage) -> None:
        """A process that was stopped for longer than its lease: what came back is counted again, by the truth."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=30)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("slow", [ask])
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 70
        await stage.counters.settle("slow", [Change(ask, 45 - 80, 50)])
        assert await left(stage, ask) == 55

    async def test_more_of_a_period_adds_to_the_lease(self, stage: Stage) -> None:
        """It has one end, and comes back as a whole."""
        ask = Spend("money", 40, stage.now() + 1000, 100, likely=10)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("a", [ask])
        await stage.passes(LEASE_S * 0.6)
        await stage.counters.take("a", [ask])
        await stage.passes(LEASE_S * 0.6)
        assert await left(stage, ask) == 20
        await stage.passes(LEASE_S)
        assert await left(stage, ask) == 80

    async def test_who_asks_for_more_is_alive(self, stage: Stage) -> None:
        """Its own lease is not taken from it, however late it is; a settlement finds all of it."""
        ask = Spend("money", 40, stage.now() + 1000, 100, likely=10)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("slow", [ask])
        await stage.passes(LEASE_S + 0.05)
        assert state(await stage.counters.take("slow", [ask])).remaining == 20
        assert await left(stage, ask) == 20
        await stage.counters.settle("slow", [Change(ask, -70, 60)])
        assert await left(stage, ask) == 90

    async def test_a_lease_that_is_gone_is_made_anew(self, stage: Stage) -> None:
        """Once: its amount is counted again, and the answer names it."""
        ask = Spend("money", 80, stage.now() + 1000, 100, likely=30)
        await stage.counters.load({"money": (0, ask.until)})
        await stage.counters.take("slow", [ask])
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 70
        anew = [tuple(lease) for lease in await stage.counters.renew([], [("money", "slow", 50)])]
        assert anew == [("money", "slow", 50)]
        assert list(await stage.counters.renew([], [("money", "slow", 50)])) == []
        assert await left(stage, ask) == 20

    async def test_a_store_that_lost_its_memory_is_told_of_leases(self, stage: Stage) -> None:
        """Before its periods are loaded, with them, and afterwards: each counts beside what the ledger has, once."""
        ask = Spend("money", 1, stage.now() + 1000, 100)
        await stage.counters.renew([], [("money", "a", 20)])
        assert await stage.counters.take("look", [ask]) == Unloaded(("money",))
        own = [("money", "b", 30), ("money", "a", 20)]
        anew = await stage.counters.load({"money": (25, ask.until)}, own)
        assert [tuple(lease) for lease in anew] == [("money", "b", 30)]
        assert await left(stage, ask) == 100 - 75
        await stage.counters.renew([], [("money", "c", 10), ("money", "empty", 0)])
        assert await left(stage, ask) == 100 - 85
        await stage.passes(LEASE_S + 0.05)
        assert await left(stage, ask) == 75

    async def test_leases_of_other_periods_and_holders_are_their_own(self, stage: Stage) -> None:
        """One that ends or runs out says nothing of them."""
        until = stage.now() + 1000
        await stage.counters.load({"day": (0, until), "month": (0, until)})
        asks: list[Ask] = [Spend("day", 50, until, 100, likely=10), Spend("month", 50, until, 100, likely=20)]
        for holder in "ab":
            assert isinstance(await stage.counters.take(holder, asks), Taken)
        await stage.passes(LEASE_S * 0.6)
        await stage.counters.renew([], [("day", "a", 40), ("month", "b", 30)])
        await stage.counters.settle("a", [Change(asks[1], -50, 30)])
        await stage.passes(LEASE_S * 0.6)
        assert [await left(stage, ask) for ask in asks] == [100 - 50 - 10, 100 - 50]
