"""Tests of what a request holds: extended for each attempt, and settled by the sum of them, whenever they end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import QuotaExhausted
from glmgate.gateway.counting import Counting
from glmgate.gateway.reservation import Holding, Reservation
from glmgate.policy.admission import Target, Wish
from glmgate.policy.budgets import accounts
from glmgate.policy.counters import LEASE_S, Bucket, Counters, MemoryCounters, Slot, Spend, Taken
from glmgate.policy.limits import Limit
from glmgate.policy.sizes import Size
from glmgate.wire.charge import Charge
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Caller, Place
from glmgate.wire.terms import Budget, Scope, Terms
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeLimitsWatch, FakePast, FarCounters
from tests.fakes.time import settled
from tests.policy.quoting import quotes

PLACE = Place("a/cheap", "a", "cheap")
SCOPE = Scope("key", "k", Terms(tpm=1000, in_flight=1, budgets=(Budget(limit="1000", unit="tokens"),)))
REQUEST = ChatRequest(model="cheap", messages=[Message(role="user", content="x" * 68)], max_tokens=50)
# 68 bytes and what is around a message: 100; with the answer 150 tokens at most.
MOST = 150


def call() -> Call:
    """A call."""
    return Call(request_id="r", caller=Caller("k"), surface="openai")


def used(tokens: int) -> Charge:
    """What an attempt has cost."""
    return Charge(usage=Usage(0, tokens))


class Desk:
    """A key with 1,000 tokens a month, 1,000 a minute, and one request at a time."""

    def __init__(self, *, mode: str = "hard", counters: Counters | None = None, clock: FakeClock | None = None) -> None:
        clock = clock or FakeClock()
        self.past = FakePast()
        self.counting = Counting(counters or MemoryCounters(clock=clock), past=self.past)
        self.watch = FakeLimitsWatch()
        budget = Budget(limit="1000", unit="tokens", mode="warn" if mode == "warn" else "hard")
        (self.account,) = accounts([Scope("key", "k", Terms(budgets=(budget,)))], clock())
        self.limits = [
            Limit("in_flight", SCOPE, Slot("slots", 1)),
            Limit("tokens", SCOPE, Bucket("tpm", 1000, 200)),
        ]

    async def reserved(self, amount: int = MOST, holder: str = "h", likely: int | None = None) -> Reservation:
        """A request that was granted so much of the month."""
        asks = [*(limit.ask for limit in self.limits), self.account.spend(amount, likely=likely)]
        assert isinstance(await self.counting.take(holder, asks, {self.account.name: self.account}), Taken)
        wish = Wish(Size(100, 50), (Target(PLACE),), quotes())
        holding = Holding(self.account, granted=amount, lease=self.counting.lease(self.account.name, holder))
        return Reservation(self.counting, self.watch, holder, wish, self.limits, [holding])

    async def left(self) -> tuple[int, int]:
        """What is left of the month and of the minute."""
        spend = Spend(self.account.name, 0, self.account.span.until, 1000)
        states = []
        for ask in (spend, Bucket("tpm", 1000, 0)):
            outcome = await self.counting.take("look", [ask], {self.account.name: self.account})
            states.append(outcome.states[0] if isinstance(outcome, Taken) else outcome.state)
        return states[0].remaining, states[1].remaining

    async def is_free(self) -> bool:
        """Whether the one place for a request is free."""
        return isinstance(await self.counting.take("other", [Slot("slots", 1)], {}), Taken)


async def test_one_attempt_is_within_what_was_granted() -> None:
    """Then the truth is what counts, in the month and in the minute."""
    desk = Desk()
    held = await desk.reserved()
    assert await desk.left() == (850, 800)
    await held.attempt(call(), PLACE, REQUEST, estimate := used(90))
    assert await desk.left() == (850, 800)
    held.settled(call(), estimate, used(60))
    await held.close()
    assert await desk.left() == (940, 940)
    assert await desk.is_free()


async def test_a_second_attempt_reserves_what_the_first_has_used() -> None:
    """A hard budget is never asked for less than the attempt may cost."""
    desk = Desk()
    held = await desk.reserved()
    for spent in (60, 70):
        await held.attempt(call(), PLACE, REQUEST, estimate := used(1))
        held.settled(call(), estimate, used(spent))
    assert await desk.left() == (1000 - 60 - MOST, 800)
    await held.close()
    assert await desk.left() == (1000 - 130, 1000 - 130)


async def test_attempts_at_a_time_do_not_count_on_each_other() -> None:
    """Several answers, or a repair beside an answer: each has its own part."""
    desk = Desk()
    held = await desk.reserved()
    estimates = [used(number) for number in range(4)]
    await asyncio.gather(*(held.attempt(call(), PLACE, REQUEST, estimate) for estimate in estimates))
    assert await desk.left() == (1000 - 4 * MOST, 800)
    for estimate in estimates:
        held.settled(call(), estimate, used(10))
    await held.close()
    assert await desk.left() == (960, 960)


async def test_an_attempt_that_no_budget_allows_is_not_made() -> None:
    """And holds nothing; what was used before it stays used."""
    desk = Desk()
    held = await desk.reserved()
    await desk.counting.take("other", [desk.account.spend(800)], {desk.account.name: desk.account})
    await held.attempt(call(), PLACE, REQUEST, estimate := used(1))
    held.settled(call(), estimate, used(120))
    with pytest.raises(QuotaExhausted):
        await held.attempt(call(), PLACE, REQUEST, used(2))
    assert desk.watch.told == ["refused budget key"]
    await held.close()
    assert (await desk.left())[0] == 80


async def test_a_failed_attempt_that_cost_nothing_is_free_for_the_next() -> None:
    """Nothing more is reserved for it."""
    desk = Desk()
    held = await desk.reserved()
    for _ in range(3):
        await held.attempt(call(), PLACE, REQUEST, estimate := used(9))
        held.settled(call(), estimate, used(0))
    assert await desk.left() == (850, 800)
    await held.close()
    assert await desk.left() == (1000, 1000)


async def test_a_call_that_others_share_is_settled_after_its_request() -> None:
    """What it may still cost stays reserved until then."""
    desk = Desk()
    held = await desk.reserved()
    await held.attempt(call(), PLACE, REQUEST, estimate := used(9))
    await held.close()
    assert await desk.left() == (850, 1000)
    held.settled(call(), estimate, used(30))
    await desk.counting.aclose()
    assert await desk.left() == (970, 970)


async def test_an_attempt_after_the_end_pays_for_itself() -> None:
    """As a retry of a shared call whose first client has left."""
    desk = Desk()
    held = await desk.reserved()
    await held.close()
    await held.attempt(call(), PLACE, REQUEST, estimate := used(9))
    assert (await desk.left())[0] == 850
    held.settled(call(), estimate, used(40))
    await desk.counting.aclose()
    assert await desk.left() == (960, 960)
    assert desk.counting.reserved == {}


@pytest.mark.parametrize("others", [False, True])
async def test_a_request_may_end_while_an_attempt_of_its_asks_for_more(others: bool) -> None:
    """As a retry of a shared call at a store that takes its time: what is granted, or not, is counted once."""
    counters = FarCounters(FakeClock())
    desk = Desk(counters=counters)
    held = await desk.reserved()
    for spent in (60, 60):
        await held.attempt(call(), PLACE, REQUEST, estimate := used(9))
        held.settled(call(), estimate, used(spent))
    if others:  # they have all the rest
        rest = (await desk.left())[0]
        await desk.counting.take("other", [desk.account.spend(rest)], {desk.account.name: desk.account})
    counters.answers.clear()
    asking = asyncio.create_task(held.attempt(call(), PLACE, REQUEST, estimate := used(9)))
    await asyncio.sleep(0)
    await held.close()
    counters.answers.set()
    if others:
        with pytest.raises(QuotaExhausted):
            await asking
    else:
        await asking
        held.settled(call(), estimate, used(30))
    await desk.counting.aclose()
    assert (await desk.left())[0] == (1000 - 120 - 790 if others else 1000 - 150)
    assert desk.counting.reserved.get(desk.account.name, 0) == (790 if others else 0)


async def test_closing_twice_gives_back_once() -> None:
    """However many ends a request seems to have."""
    desk = Desk()
    held = await desk.reserved()
    await held.close()
    await held.close()
    assert await desk.left() == (1000, 1000)


async def test_a_budget_that_warns_reserves_what_is_likely() -> None:
    """And is settled like any other."""
    desk = Desk(mode="warn")
    held = await desk.reserved(90)
    await held.attempt(call(), PLACE, REQUEST, estimate := used(120))
    assert (await desk.left())[0] == 1000 - 120
    held.settled(call(), estimate, used(2000))
    await held.close()
    assert (await desk.left())[0] == -1000


async def test_without_budgets_nothing_is_asked() -> None:
    """The minute is settled all the same."""
    desk = Desk()
    held = await desk.reserved()
    held.holdings = []
    await held.attempt(call(), PLACE, REQUEST, estimate := used(9))
    held.settled(call(), estimate, used(30))
    await held.close()
    assert (await desk.left())[1] == 970


async def test_money_that_no_budget_bounds_is_not_spent() -> None:
    """An upstream without a price, where those who ask have a hard budget of money."""
    desk = Desk()
    held = await desk.reserved()
    (money,) = accounts([Scope("key", "k", Terms(budgets=(Budget(limit="1", unit="USD"),)))], FakeClock()())
    held.holdings = [Holding(money)]
    with pytest.raises(QuotaExhausted, match="No price"):
        await held.attempt(call(), PLACE, REQUEST, Charge())


STEPS = st.lists(st.tuples(st.sampled_from(["begin", "end", "close"]), st.integers(0, MOST)), max_size=30)


@given(STEPS)
async def test_whatever_happens_the_month_has_what_was_spent(steps: Sequence[tuple[str, int]]) -> None:
    """Attempts begin and end in any order around the request's own end; nothing leaks, and no limit is overrun."""
    desk = Desk()
    held = await desk.reserved()
    under_way: list[Charge] = []
    spent = 0
    for what, amount in steps:
        if what == "begin":
            try:
                await held.attempt(call(), PLACE, REQUEST, estimate := used(amount))
            except QuotaExhausted:
                continue
            under_way.append(estimate)
        elif what == "end" and under_way:
            held.settled(call(), under_way.pop(0), used(amount))
            spent += amount
        elif what == "close":
            await held.close()
        assert (await desk.left())[0] >= 0
    for estimate in under_way:
        held.settled(call(), estimate, used(MOST))
        spent += MOST
    await held.close()
    await desk.counting.aclose()
    assert (await desk.left())[0] == 1000 - spent
    assert desk.counting.reserved == {}
    assert await desk.is_free()


class Shared:
    """A desk at a store that outlives its process, and what the ledger has of its one request."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FarCounters(self.clock)
        self.desk = Desk(counters=self.store, clock=self.clock)
        self.under_way: list[Charge] = []
        self.spent = 0

    @property
    def ledger(self) -> int:
        """What was spent, and what is likely of what is under way."""
        return self.spent + sum(estimate.usage.total for estimate in self.under_way)

    async def does(self, held: Reservation, what: str, amount: int) -> None:
        """One step of the request."""
        if what == "begin":
            estimate = used(min(amount, MOST - 1))
            try:
                await held.attempt(call(), PLACE, REQUEST, estimate)
            except QuotaExhausted:
                return
            self.under_way.append(estimate)
        elif what == "end" and self.under_way:
            held.settled(call(), self.under_way.pop(0), used(amount))
            self.spent += amount
        elif what == "close":
            await held.close()
        elif what == "renew":
            await self.desk.counting.refresh()
        elif what == "forget":
            self.store.forget()
            self.desk.past.amounts["k", "tokens"] = self.ledger
            await self.desk.left()
        await settled()

    async def counted(self) -> int:
        """What is used of the month."""
        return 1000 - (await self.desk.left())[0]


async def test_a_killed_process_leaves_what_its_ledger_says() -> None:
    """What was reserved beyond the estimate comes back when nobody renews it, and no more."""
    shared = Shared()
    held = await shared.desk.reserved(likely=75)
    await held.attempt(call(), PLACE, REQUEST, used(75))
    assert await shared.counted() == MOST
    shared.clock.advance(LEASE_S)
    assert await shared.counted() == 75


async def test_a_second_attempt_leaves_what_the_first_has_cost_and_its_own_estimate() -> None:
    """However much more than its estimate the first has cost."""
    shared = Shared()
    held = await shared.desk.reserved(likely=75)
    for estimate, spent in ((75, 120), (60, None)):
        await held.attempt(call(), PLACE, REQUEST, known := used(estimate))
        if spent is not None:
            held.settled(call(), known, used(spent))
    assert await shared.counted() == 120 + MOST
    shared.clock.advance(LEASE_S)
    assert await shared.counted() == 120 + 60


async def test_an_attempt_that_is_likelier_to_be_long_leaves_more() -> None:
    """As a repair, which says more than was asked at first: the lease is smaller then."""
    shared = Shared()
    held = await shared.desk.reserved(likely=75)
    await held.attempt(call(), PLACE, REQUEST, used(110))
    shared.clock.advance(LEASE_S)
    assert await shared.counted() == 110


async def test_an_attempt_that_has_cost_more_than_was_likely_leaves_that() -> None:
    """At once, whatever its request does afterwards."""
    shared = Shared()
    held = await shared.desk.reserved(likely=75)
    await held.attempt(call(), PLACE, REQUEST, estimate := used(75))
    held.settled(call(), estimate, used(120))
    await settled()
    assert await shared.counted() == MOST
    shared.clock.advance(LEASE_S)
    assert await shared.counted() == 120


async def test_what_is_open_after_the_end_is_a_lease_too() -> None:
    """As a call that others share: its process may be killed later."""
    shared = Shared()
    held = await shared.desk.reserved(likely=75)
    await held.attempt(call(), PLACE, REQUEST, used(75))
    await held.close()
    shared.clock.advance(LEASE_S - 1)
    await shared.desk.counting.refresh()
    shared.clock.advance(LEASE_S - 1)
    assert await shared.counted() == MOST
    shared.clock.advance(1)
    assert await shared.counted() == 75


SHARED_STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "begin", "end", "close", "renew", "forget"]), st.integers(0, MOST)), max_size=20
)


@given(SHARED_STEPS, st.integers(0, MOST - 1))
async def test_whenever_it_is_killed_the_ledger_is_counted(steps: Sequence[tuple[str, int]], likely: int) -> None:
    """Nothing of what the ledger has is given back; beyond it nothing stays but what was likely at first."""
    shared = Shared()
    held = await shared.desk.reserved(likely=likely)
    most = likely
    for what, amount in steps:
        await shared.does(held, what, amount)
        most = max(most, shared.ledger)
    shared.clock.advance(LEASE_S)
    assert shared.ledger <= await shared.counted() <= max(most, shared.ledger)


@given(SHARED_STEPS, st.integers(0, MOST - 1))
async def test_whatever_a_store_forgets_the_month_has_what_was_spent(
    steps: Sequence[tuple[str, int]], likely: int
) -> None:
    """A store that loses its memory while a request is under way lets nobody have what it may still cost."""
    shared = Shared()
    held = await shared.desk.reserved(likely=likely)
    for what, amount in steps:
        await shared.does(held, what, amount)
        assert await shared.counted() >= shared.ledger
    while shared.under_way:
        await shared.does(held, "end", MOST)
    await held.close()
    await shared.desk.counting.aclose()
    assert await shared.counted() == shared.spent
    assert shared.desk.counting.reserved == {}
    assert not shared.desk.counting._leases
