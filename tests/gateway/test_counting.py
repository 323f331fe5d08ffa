"""Tests of the counters' store as requests use it: loaded once, given back whatever happens, told again later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from glmgate.errors import Unavailable
from glmgate.gateway.counting import Counting, PastUnknown
from glmgate.policy.budgets import Account, Span, accounts
from glmgate.policy.counters import LEASE_S, Ask, Bucket, Change, MemoryCounters, Refused, Slot, Spend, Taken
from glmgate.policy.counters import Lease as Told
from glmgate.wire.terms import Budget, Scope, Terms
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakePast, FarCounters
from tests.fakes.time import settled

SCOPE = Scope("key", "k", Terms(budgets=(Budget(limit="100", unit="tokens"),)))


def account(clock: FakeClock) -> Account:
    """The account of a key with 100 tokens a month."""
    (found,) = accounts([SCOPE], clock())
    return found


def far(**amounts: int) -> tuple[Counting, FarCounters, Account, FakePast]:
    """A store behind a wire, and what was spent before it was."""
    clock = FakeClock()
    store = FarCounters(clock)
    past = FakePast({("k", unit): amount for unit, amount in amounts.items()})
    return Counting(store, past=past), store, account(clock), past


async def take(
    counting: Counting, spends: Account, amount: int, holder: str = "h", likely: int | None = None
) -> Taken | Refused:
    """So much of the account."""
    return await counting.take(holder, [spends.spend(amount, likely=likely)], {spends.name: spends})


async def test_a_period_begins_with_what_was_spent() -> None:
    """As after a start, and for a budget that is made in the middle of a month."""
    counting, _, spends, _ = far(tokens=70)
    assert isinstance(await take(counting, spends, 31), Refused)
    assert isinstance(await take(counting, spends, 30), Taken)


async def test_many_at_once_ask_the_ledger_once() -> None:
    """The others wait for it."""
    counting, _, spends, past = far(tokens=70)
    outcomes = await asyncio.gather(*(take(counting, spends, 10, f"h-{number}") for number in range(20)))
    assert sum(isinstance(outcome, Taken) for outcome in outcomes) == 3
    assert past.asked == 1


async def test_a_store_that_lost_its_memory_is_told_anew() -> None:
    """From what was spent meanwhile; a settlement that it has missed is part of that, and not told twice."""
    counting, store, spends, past = far()
    await take(counting, spends, 40)
    store.is_away = True
    await counting.settle("h", [Change(spends.spend(0), -10)], {spends.name: 40})
    store.is_away = False
    store.forget()
    past.amounts["k", "tokens"] = 30
    assert isinstance(await take(counting, spends, 70), Taken)
    await counting.refresh()
    assert isinstance(await take(counting, spends, 1), Refused)


async def test_what_requests_under_way_hold_is_told_to_a_store_that_lost_its_memory() -> None:
    """They hold more than the ledger knows of them, and give it back in the end."""
    counting, store, spends, past = far(tokens=50)
    await take(counting, spends, 50, "long", likely=5)
    store.forget()
    past.amounts["k", "tokens"] = 55
    lease = counting.lease(spends.name, "long")
    assert lease is not None
    lease.unknown = 45
    assert isinstance(await take(counting, spends, 1), Refused)
    await counting.settle("long", [Change(spends.spend(0), -40, 45)], {spends.name: 50})
    assert isinstance(await take(counting, spends, 41), Refused)
    assert isinstance(await take(counting, spends, 40), Taken)


async def test_a_store_that_forgets_at_once_is_given_up() -> None:
    """Nobody asks for ever."""

    class Forgetful(FarCounters):
        async def load(self, used: object, leases: object = ()) -> list[Told]:
            """Forget it."""
            return []

    clock = FakeClock()
    counting = Counting(Forgetful(clock), past=FakePast())
    with pytest.raises(Unavailable, match="forgets"):
        await take(counting, account(clock), 1)


async def test_what_a_store_has_missed_is_told_when_it_is_back() -> None:
    """In its order."""
    counting, store, spends, _ = far()
    await take(counting, spends, 100)
    store.is_away = True
    await counting.settle("h", [Change(spends.spend(0), -60)], {spends.name: 100})
    await counting.refresh()
    store.is_away = False
    assert isinstance(await take(counting, spends, 60), Refused)
    await counting.refresh()
    assert isinstance(await take(counting, spends, 60), Taken)


async def test_who_is_cancelled_while_a_store_answers_has_taken_nothing() -> None:
    """The answer may have been on its way: what it granted is given back when it comes."""
    counting, store, spends, _ = far()
    asks: list[Ask] = [Slot("s", 1), Bucket("b", 5, 5), spends.spend(100)]
    await take(counting, spends, 0)
    store.answers.clear()
    task = asyncio.create_task(counting.take("gone", asks, {spends.name: spends}))
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.answers.set()
    await settled()
    assert isinstance(await counting.take("next", asks, {spends.name: spends}), Taken)


async def test_who_is_cancelled_while_it_settles_has_settled() -> None:
    """The end of a request comes often with its cancellation."""

    class Slow(FarCounters):
        async def settle(self, holder: str, changes: object) -> None:
            """Wait, then do it."""
            await self.answers.wait()
            await self.store.settle(holder, changes)  # type: ignore[arg-type]  # what it was given

    counting = Counting(store := Slow(FakeClock()), past=FakePast())
    await counting.take("h", [Slot("s", 1)], {})
    store.answers.clear()
    task = asyncio.create_task(counting.settle("h", [Change(Slot("s", 1))], {}))
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.answers.set()
    await counting.aclose()
    assert isinstance(await counting.take("next", [Slot("s", 1)], {}), Taken)


async def test_slots_are_renewed_as_long_as_they_are_held() -> None:
    """By every refresh; one that is settled is not."""
    counting, store, _, _ = far()
    await counting.take("a", [Slot("s", 2)], {})
    await counting.take("b", [Slot("s", 2)], {})
    await counting.settle("b", [Change(Slot("s", 2))], {})
    await counting.refresh()
    await counting.refresh()
    assert store.renewed == [("s", "a")] * 2


async def test_what_requests_hold_of_a_period_is_known() -> None:
    """So that a refusal can say whether waiting helps."""
    counting = Counting(MemoryCounters(clock=FakeClock()), past=FakePast())
    spends = account(FakeClock())
    await take(counting, spends, 40)
    await take(counting, spends, 20, "other")
    assert counting.reserved == {spends.name: 60}
    await counting.settle("h", [Change(spends.spend(0), -40)], {spends.name: 40})
    await counting.settle("other", [], {spends.name: 20})
    assert counting.reserved == {}


async def test_late_settlements_are_told_by_tasks_of_their_own() -> None:
    """For who cannot wait; the end waits for them."""
    counting, _, spends, _ = far()
    await take(counting, spends, 100)
    counting.settle_later("h", [Change(spends.spend(0), -60)])
    await counting.aclose()
    assert isinstance(await take(counting, spends, 60), Taken)


async def test_the_end_does_not_wait_for_a_store_that_is_away() -> None:
    """What it has missed is lost, and said in the log."""
    counting, store, spends, _ = far()
    await take(counting, spends, 100)
    store.is_away = True
    counting.settle_later("h", [Change(Spend(spends.name, 0, spends.span.until), -60)])
    await asyncio.wait_for(counting.aclose(), 5)


async def test_leases_are_renewed_as_long_as_they_are_held() -> None:
    """Longer than a lease, and not after their end."""
    counting, store, spends, _ = far()
    for holder in "ab":
        await take(counting, spends, 40, holder, likely=10)
    await counting.settle("b", [Change(spends.spend(0), -40, 30)], {spends.name: 40})
    for _ in range(4):
        store.clock.advance(LEASE_S / 2)
        await counting.refresh()
    assert isinstance(await take(counting, spends, 61, "other"), Refused)
    await counting.settle("a", [Change(spends.spend(0), -35, 30)], {spends.name: 40})
    assert isinstance(await take(counting, spends, 95, "other"), Taken)


async def test_who_is_cancelled_while_a_store_answers_has_no_lease() -> None:
    """It is given back with the rest, and nothing comes back a second time."""
    counting, store, spends, _ = far()
    await take(counting, spends, 20)
    store.answers.clear()
    task = asyncio.create_task(take(counting, spends, 80, "gone", likely=10))
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.answers.set()
    await settled()
    assert counting.lease(spends.name, "gone") is None
    store.clock.advance(LEASE_S)
    assert isinstance(await take(counting, spends, 81, "next"), Refused)
    assert isinstance(await take(counting, spends, 80, "next"), Taken)


async def test_a_store_that_another_has_loaded_is_told_of_leases_in_time() -> None:
    """By the next renewal: it lost its memory, and who loaded it did not know of them."""
    counting, store, spends, _ = far()
    await take(counting, spends, 90, "long", likely=10)
    store.forget()
    await store.load({spends.name: (10, spends.span.until)})
    lease = counting.lease(spends.name, "long")
    assert lease is not None
    lease.unknown = 80
    await counting.refresh()
    assert isinstance(await take(counting, spends, 11), Refused)
    assert isinstance(await take(counting, spends, 10), Taken)
    await counting.settle("long", [Change(spends.spend(0), -85, lease.amount)], {spends.name: 90})
    assert isinstance(await take(counting, spends, 86), Refused)
    assert isinstance(await take(counting, spends, 85), Taken)


async def test_before_a_period_is_loaded_others_tell_what_they_hold_of_it() -> None:
    """Where they have attempts under way in it, the store has forgotten: who comes first must not be granted theirs."""
    clock = FakeClock()
    store, spends = FarCounters(clock), account(clock)
    one, other = (Counting(store, past=FakePast(), all_told_s=0.05) for _ in range(2))
    await take(other, spends, 90, "long", likely=10)
    store.forget()
    one._past = FakePast({("k", "tokens"): 10}, others=True)
    lease = other.lease(spends.name, "long")
    assert lease is not None
    lease.unknown = 80
    asking = asyncio.create_task(take(one, spends, 11))
    await settled()
    assert not asking.done()
    await other.refresh()
    assert isinstance(await asking, Refused)
    assert isinstance(await take(one, spends, 10), Taken)


async def test_a_period_that_another_has_just_loaded_is_not_waited_for() -> None:
    """As on the first of a month, when several processes have their first requests at once."""
    clock = FakeClock()
    store, spends = FarCounters(clock), account(clock)

    class Loaded(FakePast):
        async def elsewhere(self, scope: Scope, span: Span) -> bool:
            """Another has loaded it meanwhile, and has attempts under way."""
            await store.load({spends.name: (0, span.until)})
            return True

    counting = Counting(store, past=Loaded(), all_told_s=1000)
    assert isinstance(await asyncio.wait_for(take(counting, spends, 1), 5), Taken)


async def test_a_ledger_that_cannot_be_asked_makes_the_past_unknown() -> None:
    """Also where it is only asked for others."""

    class Away(FakePast):
        async def elsewhere(self, scope: Scope, span: Span) -> bool:
            """It does not answer."""
            raise Unavailable("The database is away.")

    clock = FakeClock()
    with pytest.raises(PastUnknown, match="database"):
        await take(Counting(FarCounters(clock), past=Away()), account(clock), 1)


async def test_what_a_renewal_made_of_a_request_that_ended_meanwhile_is_given_back() -> None:
    """The store was told of its lease after it was told of its end."""

    class Slow(FarCounters):
        async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Told] = ()) -> Sequence[Told]:
            """Answer late."""
            await self.answers.wait()
            return await self.store.renew(slots, leases)

    clock = FakeClock()
    store, spends = Slow(clock), account(clock)
    counting = Counting(store, past=FakePast())
    await take(counting, spends, 90, "short", likely=10)
    store.answers.clear()
    renewing = asyncio.create_task(counting.refresh())
    await settled()
    await counting.settle("short", [Change(spends.spend(0), -85, 80)], {spends.name: 90})
    store.answers.set()
    await renewing
    assert isinstance(await take(counting, spends, 96), Refused)
    assert isinstance(await take(counting, spends, 95), Taken)
