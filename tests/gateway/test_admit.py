"""Tests of admission: terms applied, everything reserved at once, given back at the end, and a store that is away."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import msgspec
import pytest

from glmgate.errors import CapacityExceeded, GlmgateError, InvalidRequest, QuotaExhausted, Unavailable
from glmgate.gateway.admit import NULL_ADMISSION, Admission, Means
from glmgate.gateway.reservation import Reservation
from glmgate.policy.admission import Target
from glmgate.policy.counters import LEASE_S, RENEW_S, MemoryCounters
from glmgate.policy.settings import LimitSettings
from glmgate.wire.charge import Charge
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import NULL_SPENDING, Call, Caller, Place
from glmgate.wire.headroom import Headroom, Room
from glmgate.wire.members import convert
from glmgate.wire.terms import Budget, Scope, Terms
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeLimitsWatch, FakePast, FarCounters
from tests.policy.quoting import quotes

PLACE = Place("a/cheap", "a", "cheap")
TARGETS = (Target(PLACE, 1000),)
# A request of 68 bytes of text counts as 100 bytes, and by the usual ratio as 25 tokens.
TEXT = "x" * 68


class Desk:
    """Admission for keys of one project, with a store that can be away."""

    def __init__(self, *scopes: Scope, **settings: Any) -> None:
        self.clock = FakeClock()
        self.store = FarCounters(self.clock, waits=False)
        self.past = FakePast()
        self.watch = FakeLimitsWatch()
        self.scopes = scopes
        self.admission = Admission(
            Means(
                self.store,
                self.clock,
                past=self.past,
                quotes=quotes(),
                watch=self.watch,
                settings=LimitSettings(**settings),
            )
        )

    def call(self, **members: Any) -> Call:
        """A new call."""
        return Call(request_id="r", caller=Caller("k", scopes=self.scopes), surface="openai", **members)

    async def admitted(self, call: Call | None = None, **members: Any) -> tuple[Call, ChatRequest]:
        """A call that was let in, and its request."""
        call = call or self.call()
        request = await self.admission.generation(call, chat(**members), TARGETS)
        assert isinstance(request, ChatRequest)
        return call, request

    async def refusal(self, **members: Any) -> GlmgateError:
        """The error of a call that is not let in; it holds nothing."""
        with pytest.raises(GlmgateError) as caught:
            await self.admitted(**members)
        return caught.value

    async def spends(self, call: Call, charge: Charge) -> None:
        """One attempt of the call, and its end."""
        await call.spending.attempt(call, PLACE, chat(max_tokens=1), estimate := Charge())
        call.spending.settled(call, estimate, charge)
        await self.admission.close(call)


def key(**terms: Any) -> Scope:
    """A key with these terms."""
    return Scope("key", "k-1", Terms(**terms))


def tokens(limit: int, *, mode: Any = "hard") -> tuple[Budget, ...]:
    """A budget of so many tokens a month."""
    return (Budget(limit=str(limit), unit="tokens", mode=mode),)


def chat(**members: Any) -> ChatRequest:
    """A chat request."""
    return convert({"model": "cheap", "messages": [{"role": "user", "content": TEXT}], **members}, ChatRequest)


def used(completion: int) -> Charge:
    """What an attempt has cost."""
    return Charge(usage=Usage(0, completion))


async def test_a_caller_without_terms_is_let_in_as_it_is() -> None:
    """No store is asked, and no header is sent."""
    for desk in (Desk(), Desk(key())):
        call, request = await desk.admitted()
        assert request == chat()
        assert (call.headroom, call.spending, desk.store.asked) == (None, NULL_SPENDING, 0)
        await desk.admission.close(call)


async def test_requests_per_minute_are_exact() -> None:
    """Of many at once as many as the limit; the next is told when to come back, and then is let in."""
    desk = Desk(key(rpm=20))
    results = await asyncio.gather(*(desk.admitted() for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(result, tuple) for result in results) == 20
    error = await desk.refusal()
    assert isinstance(error, CapacityExceeded)
    assert "20 requests per minute" in error.message
    assert error.retry_after_s == 3.0
    desk.clock.advance(3.0)
    await desk.admitted()
    assert desk.watch.told == ["refused requests key"] * 31


async def test_requests_in_flight_are_free_at_once() -> None:
    """However they end; and closing is no second end."""
    desk = Desk(key(in_flight=2))
    first, second = [(await desk.admitted())[0] for _ in range(2)]
    assert "2 requests in flight" in (await desk.refusal()).message
    await desk.admission.close(first)
    await desk.admission.close(first)
    await desk.admitted()
    await desk.refusal()
    await desk.admission.close(second)
    await desk.admitted()


async def test_tokens_are_reserved_by_what_is_likely_and_settled_by_the_truth() -> None:
    """Both ways: given back, and taken beyond."""
    desk = Desk(key(tpm=1000))
    call, _ = await desk.admitted(max_tokens=75)
    assert call.headroom == Headroom(None, Room(1000, 900, 6.0))
    await desk.spends(call, used(10))
    call, _ = await desk.admitted(max_tokens=75)
    assert call.headroom == Headroom(None, Room(1000, 890, 6.6))
    await desk.spends(call, used(2000))
    error = await desk.refusal(max_tokens=75)
    assert error.retry_after_s == pytest.approx((2010 - 1000 + 100) * 0.06)


async def test_the_tightest_scope_is_told_in_headers() -> None:
    """Of all that hold."""
    desk = Desk(Scope("organisation", "o", Terms(rpm=100)), Scope("project", "p", Terms(rpm=5)), key(rpm=60))
    call, _ = await desk.admitted()
    assert call.headroom == Headroom(Room(5, 4, 12.0), None)


async def test_a_refusal_has_headers_too() -> None:
    """Of the limit that refuses."""
    desk = Desk(key(rpm=1, tpm=1000))
    await desk.admitted()
    call = desk.call()
    with pytest.raises(CapacityExceeded):
        await desk.admitted(call)
    assert call.headroom == Headroom(Room(1, 0, 60.0), None)


async def test_a_refused_request_takes_nothing() -> None:
    """Not even of the limits that it was within."""
    desk = Desk(key(rpm=10, in_flight=1))
    call, _ = await desk.admitted()
    for _ in range(5):
        await desk.refusal()
    await desk.admission.close(call)
    call, _ = await desk.admitted()
    assert call.headroom == Headroom(Room(10, 8, 12.0), None)


async def test_a_hard_budget_lowers_the_answer_to_what_is_left() -> None:
    """And says so; where not even the prompt fits, the request is refused, and a retry does not help."""
    desk = Desk(key(budgets=tokens(1000)))
    desk.past.amounts["k-1", "tokens"] = 650
    call, request = await desk.admitted(max_tokens=400)
    assert request.max_tokens == 250
    assert [str(note) for note in call.notes] == ["max_tokens=400->250"]
    await desk.spends(call, used(280))
    error = await desk.refusal(max_tokens=400)
    assert isinstance(error, QuotaExhausted)
    assert (error.code, error.retry, error.zai_code) == ("insufficient_quota", False, "1308")
    assert "70 tokens are left" in error.message


async def test_what_filters_spend_is_taken_from_the_answer() -> None:
    """Where the budget had no more than was granted; else the attempt would be refused, and again at each retry."""
    desk = Desk(key(budgets=tokens(350)))
    call, request = await desk.admitted(max_tokens=400)
    assert (request.max_tokens, desk.admission.filtered(call, request)) == (250, request)
    await call.spending.attempt(call, PLACE, chat(max_tokens=1), asked := Charge())
    call.spending.settled(call, asked, used(30))
    fitted = desk.admission.filtered(call, request)
    assert fitted.max_tokens == 220
    assert [str(note) for note in call.notes] == ["max_tokens=400->250", "max_tokens=250->220"]
    await call.spending.attempt(call, PLACE, fitted, estimate := Charge())
    call.spending.settled(call, estimate, used(320))
    await desk.admission.close(call)


async def test_a_mask_that_is_longer_leaves_less_for_the_answer() -> None:
    """Where what was granted was all that was left; else there is more."""
    for limit, most in ((350, 218), (10_000, 400)):
        desk = Desk(key(budgets=tokens(limit)))
        call, request = await desk.admitted(max_tokens=400)
        longer = msgspec.structs.replace(request, messages=[Message(role="user", content=f"{TEXT}{'y' * 32}")])
        fitted = desk.admission.filtered(call, longer)
        assert fitted.max_tokens == most
        await call.spending.attempt(call, PLACE, fitted, Charge())


async def test_an_answer_without_a_limit_is_given_what_is_left() -> None:
    """Where that is less than its model can say; else nothing is changed."""
    desk = Desk(key(budgets=tokens(1500)))
    call, request = await desk.admitted()
    assert (request.max_tokens, call.notes) == (None, [])
    other, request = await desk.admitted()
    assert request.max_tokens == 300
    assert [str(note) for note in other.notes] == ["max_tokens=unset->300"]


@pytest.mark.parametrize(("asked", "is_left"), [(None, True), (100_000, False)])
async def test_a_limit_that_nobody_asked_for_is_known(asked: int | None, is_left: bool) -> None:
    """The ledger does not think an answer as long as all that is left."""
    desk = Desk(key(budgets=tokens(1000)))
    call, admitted = await desk.admitted(max_tokens=asked)
    assert admitted.max_tokens is not None
    assert admitted.max_tokens < 1000
    assert call.is_left is is_left


async def test_what_others_have_reserved_is_soon_free() -> None:
    """A budget that is only reserved is no reason to give up."""
    desk = Desk(key(budgets=tokens(1100)))
    call, _ = await desk.admitted()
    error = await desk.refusal()
    assert (error.retry, error.retry_after_s, error.code) == (True, 1.0, "rate_limit_exceeded")
    await desk.spends(call, used(5))
    await desk.admitted()


async def test_a_strict_call_is_not_lowered() -> None:
    """It is refused, and holds nothing in the end."""
    desk = Desk(key(budgets=tokens(300)))
    call = desk.call(strict=True)
    with pytest.raises(InvalidRequest, match="max_tokens") as caught:
        await desk.admitted(call, max_tokens=400)
    assert caught.value.code == "not_exact"
    await desk.admission.close(call)
    await desk.admitted(max_tokens=200)


async def test_the_terms_limit_of_an_answer_holds() -> None:
    """Lowered and told; a strict call is refused, by header or body; one that asks for less is as it was."""
    desk = Desk(key(max_tokens=120))
    call, request = await desk.admitted(max_tokens=400)
    assert (request.max_tokens, [str(note) for note in call.notes]) == (120, ["max_tokens=400->120"])
    with pytest.raises(InvalidRequest):
        await desk.admitted(max_tokens=400, glmgate={"strict": True})
    call, request = await desk.admitted(max_tokens=90)
    assert (request.max_tokens, call.notes) == (90, [])
    call, request = await desk.admitted(desk.call(strict=True))
    assert (request.max_tokens, [str(note) for note in call.notes]) == (120, ["max_tokens=unset->120"])


async def test_the_terms_default_of_thinking_holds_where_nothing_is_said() -> None:
    """And is told."""
    desk = Desk(key(thinking="off"))
    call, request = await desk.admitted()
    assert request.thinking is not None
    assert (request.thinking.type, [str(note) for note in call.notes]) == ("disabled", ["thinking=default"])
    call, request = await desk.admitted(thinking={"type": "enabled"})
    assert request.thinking is not None
    assert (request.thinking.type, call.notes) == ("enabled", [])


async def test_a_budget_that_warns_lets_in_and_tells() -> None:
    """Each answer and the metric, from the request on that finds it spent."""
    desk = Desk(key(budgets=tokens(100, mode="warn")))
    call, _ = await desk.admitted(max_tokens=10)
    assert call.overruns == []
    await desk.spends(call, used(100))
    for _ in range(2):
        call, request = await desk.admitted(max_tokens=10)
        assert (request.max_tokens, call.overruns) == (10, ["key tokens month"])
    assert desk.watch.told == ["overrun key tokens"] * 2


async def test_a_hundred_at_once_overrun_no_hard_budget() -> None:
    """Though each costs as much as it may; in dollars, as the dearest place charges."""
    budget = Budget(limit="0.05", unit="USD")
    desk = Desk(key(budgets=(budget,)))
    spent = 0

    async def one(number: int) -> None:
        nonlocal spent
        call = desk.call()
        request = await desk.admission.generation(call, chat(max_tokens=1 + number * 10), TARGETS)
        assert isinstance(request, ChatRequest)
        await asyncio.sleep(0)
        usage = Usage(100, request.max_tokens or 0)
        estimate = Charge(usage=usage, amount=quotes().cost(PLACE, usage, "USD"), currency="USD")
        await call.spending.attempt(call, PLACE, request, estimate)
        await asyncio.sleep(0)
        call.spending.settled(call, estimate, estimate)
        assert estimate.amount is not None
        spent += estimate.amount
        await desk.admission.close(call)

    results = await asyncio.gather(*(one(number) for number in range(100)), return_exceptions=True)
    refused = [result for result in results if result is not None]
    assert all(isinstance(result, QuotaExhausted) for result in refused)
    assert refused
    assert 49_000_000 < spent <= 50_000_000


async def test_vectors_and_counts_are_let_in_too() -> None:
    """Vectors cost their prompt, a count nothing but a request."""
    desk = Desk(key(rpm=3, budgets=tokens(10)))
    call = desk.call()
    await desk.admission.embedding(call, EmbeddingsRequest(model="m", input="0123456789"), TARGETS)
    await desk.admission.counting_tokens(desk.call())
    error = None
    try:
        await desk.admission.embedding(desk.call(), EmbeddingsRequest(model="m", input="0"), TARGETS)
    except QuotaExhausted as caught:
        error = caught
    assert error is not None
    await desk.admission.counting_tokens(desk.call())
    with pytest.raises(CapacityExceeded):
        await desk.admission.counting_tokens(desk.call())


async def test_text_completions_are_let_in_as_chats_are() -> None:
    """With the limit by the name that they have for it."""
    desk = Desk(key(max_tokens=5))
    request = await desk.admission.generation(desk.call(), CompletionRequest(model="m", prompt="x"), TARGETS)
    assert request.max_tokens == 5


async def test_without_their_store_limits_are_shared_out() -> None:
    """Each process grants its part by itself, and says so in a metric."""
    desk = Desk(key(rpm=10, in_flight=8), share=0.25)
    desk.store.is_away = True
    calls = [(await desk.admitted())[0] for _ in range(2)]
    assert calls[0].headroom == Headroom(Room(2, 1, 30.0), None)
    await desk.refusal()
    assert desk.watch.told[:2] == ["open in_flight", "open requests"]
    await desk.admission.close(calls[0])
    desk.clock.advance(60)
    await desk.admitted()


async def test_without_their_store_budgets_are_closed() -> None:
    """With a code of its own; a retry helps when the store is back."""
    desk = Desk(key(rpm=10, budgets=tokens(1000)))
    desk.store.is_away = True
    error = await desk.refusal()
    assert isinstance(error, Unavailable)
    assert (error.status, error.code, error.retry) == (503, "limits_unavailable", True)
    assert desk.watch.told == ["closed budgets"]
    desk.store.is_away = False
    desk.clock.advance(1)
    await desk.admitted(max_tokens=10)


@pytest.mark.parametrize("kind", ["requests", "tokens", "in_flight"])
async def test_each_limit_may_be_closed(kind: str) -> None:
    """Where the settings say so."""
    desk = Desk(key(rpm=9, tpm=900, in_flight=9), **{kind: "closed"})
    desk.store.is_away = True
    assert (await desk.refusal(max_tokens=1)).code == "limits_unavailable"
    assert desk.watch.told == [f"closed {kind}"]


async def test_budgets_may_be_open() -> None:
    """Then nothing bounds what is spent while the store is away."""
    desk = Desk(key(budgets=tokens(10)), budgets="open")
    desk.store.is_away = True
    call, request = await desk.admitted(max_tokens=400)
    assert request.max_tokens == 400
    await desk.spends(call, used(400))
    assert desk.watch.told == ["open budgets"]


async def test_a_store_that_is_away_is_left_alone_for_a_second() -> None:
    """Requests do not wait for it one after the other; then it is asked again."""
    desk = Desk(key(rpm=100))
    desk.store.is_away = True
    for _ in range(5):
        await desk.admitted()
    assert desk.store.asked == 1
    desk.store.is_away = False
    desk.clock.advance(1)
    call, _ = await desk.admitted()
    assert call.headroom is not None
    assert call.headroom.requests == Room(100, 99, 0.6)


async def test_a_ledger_that_cannot_be_asked_closes_budgets() -> None:
    """What was spent is not known, so nothing more is."""

    class Unknown(FakePast):
        async def spent(self, scope: Scope, unit: str, span: object) -> int:
            """Nobody knows."""
            raise Unavailable("The ledger cannot be reached.")

    desk = Desk(key(budgets=tokens(1000)))
    desk.admission = Admission(Means(desk.store, desk.clock, past=Unknown(), quotes=quotes(), watch=desk.watch))
    assert (await desk.refusal()).code == "limits_unavailable"
    # The store of the limits is there: who has no budget is counted by it.
    asked = desk.store.asked
    desk.scopes = (key(rpm=10),)
    call, _ = await desk.admitted()
    assert desk.store.asked == asked + 1
    assert call.headroom == Headroom(Room(10, 9, 6.0), None)


async def test_a_request_that_is_too_large_is_not_told_to_wait() -> None:
    """More tokens than a minute has, or more money than the month."""
    error = await Desk(key(tpm=50)).refusal(max_tokens=100)
    assert (error.retry, error.retry_after_s) == (False, None)
    error = await Desk(key(budgets=tokens(50))).refusal(max_tokens=100)
    assert error.retry is False
    assert error.retry_after_s is not None
    assert math.isfinite(error.retry_after_s)


async def test_what_is_held_is_renewed_until_the_end() -> None:
    """By a task; the end settles everything."""
    desk = Desk(key(in_flight=1))
    call, _ = await desk.admitted()
    await desk.admission.counting.refresh()
    assert desk.store.renewed == [("slots:key:k-1", call.uid)]
    running = asyncio.create_task(desk.admission.run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await desk.admission.close(call)
    await desk.admission.aclose()
    await desk.admitted()


async def test_nobody_is_asked_where_nobody_has_terms() -> None:
    """What stands for admission lets everything through."""
    call = Desk().call()
    request = chat()
    assert await NULL_ADMISSION.generation(call, request, TARGETS) is request
    await NULL_ADMISSION.embedding(call, EmbeddingsRequest(model="m", input="x"), TARGETS)
    await NULL_ADMISSION.counting_tokens(call)
    await NULL_ADMISSION.close(call)


async def test_what_a_killed_process_had_reserved_comes_back() -> None:
    """All but what the ledger has of its requests, as soon as nobody renews it; no other request has to end."""
    desk = Desk(key(budgets=tokens(201)))
    await desk.admitted(max_tokens=75)
    await desk.refusal(max_tokens=75)
    desk.clock.advance(RENEW_S)
    await desk.admission.counting.refresh()
    desk.clock.advance(LEASE_S - 0.1)
    await desk.refusal(max_tokens=75)
    desk.clock.advance(0.1)
    call, _ = await desk.admitted(max_tokens=1)
    await desk.spends(call, used(100))
    await desk.refusal(max_tokens=1)


async def test_in_memory_of_its_own_a_process_makes_no_leases() -> None:
    """It dies with it."""
    store = MemoryCounters()
    scope = key(budgets=tokens(200))
    admission = Admission(Means(store, FakeClock(), quotes=quotes()))
    call = Call(request_id="r", caller=Caller("k", scopes=(scope,)), surface="openai")
    await admission.generation(call, chat(max_tokens=75), TARGETS)
    assert isinstance(call.spending, Reservation)
    assert [(holding.granted, holding.lease) for holding in call.spending.holdings] == [(175, None)]
