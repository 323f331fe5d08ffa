"""Attempts: a slot, a credential, one row for each call, and what is learned from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmgate.errors import (
    AnswerTruncated,
    CapacityExceeded,
    ContentFiltered,
    CredentialRefused,
    DeadlineExceeded,
    EngineFailed,
    GlmgateError,
    InvalidRequest,
    QuotaExhausted,
    Unavailable,
)
from glmgate.routing.attempts import Attempts, Requeue
from glmgate.routing.breaker import Breaker, BreakerPolicy
from glmgate.routing.interfaces import NoSlot
from glmgate.routing.learning import Learn
from glmgate.routing.slots import Pool
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Call, Caller, Engine, Generation
from tests.fakes.asked import chat, counted, embedded, said
from tests.fakes.engine import FakeEngine, Read, call, text
from tests.fakes.faulty import FaultyEngine
from tests.fakes.time import FakeTime, settled


def parked(until: float | None = None) -> QuotaExhausted:
    """An account without money, until then."""
    error = QuotaExhausted("Empty.")
    error.parked_until = until
    return error


class Deployment:
    """Attempts over engines, with everything that they tell."""

    def __init__(
        self,
        *engines: Engine,
        limit: int | Learn = 1,
        consecutive: int = 5,
        wait_s: float = 60.0,
        requeue: Requeue | None = None,
    ) -> None:
        self.time = FakeTime()
        names = [str(place) for place in range(len(engines))]
        self.pool = Pool("main", names, limit=limit, clock=self.time, later=self.time.later)
        self.breaker = Breaker("main/m", policy=BreakerPolicy(consecutive=consecutive), clock=self.time)
        self.engine = Attempts(
            self.pool,
            dict(enumerate(engines)),
            deployment="main/m",
            breaker=self.breaker,
            wait_s=wait_s,
            requeue=requeue or Requeue(times=0),
            clock=self.time,
            random=lambda: 0.5,
        )

    def in_flight(self) -> int:
        """Slots that are held."""
        return sum(one.in_flight for one in self.pool.state().credentials)


async def test_an_answer_is_one_row() -> None:
    """With its tokens and its time; the slot is free again."""
    all_of_it = Deployment(FakeEngine([text("Hi", "!")]))
    asked = call()
    async with all_of_it.engine.stream(asked, chat()) as deltas:
        assert all_of_it.in_flight() == 1
        assert asked.attempts == []
        all_of_it.time.advance(2.0)
        _ = [read async for read in deltas]
    (row,) = asked.attempts
    assert (row.deployment, row.credential, row.outcome, row.seconds) == ("main/m", 0, "ok", 2.0)
    assert row.usage == Usage(5, 3)
    assert all_of_it.in_flight() == 0


@pytest.mark.parametrize(("ask", "answer", "usage"), [(embedded, "2", Usage(prompt=2)), (counted, "1", None)])
async def test_whole_calls_are_rows_too(
    ask: Callable[[Engine, Call], Awaitable[str]], answer: str, usage: Usage | None
) -> None:
    """Embeddings cost tokens, counting does not."""
    asked = call()
    both = Deployment(FaultyEngine(parked()), FakeEngine())
    assert await ask(both.engine, asked) == answer
    assert [(row.credential, row.outcome, row.usage) for row in asked.attempts] == [
        (0, "refused", None),
        (1, "ok", usage),
    ]
    assert both.in_flight() == 0


@pytest.mark.parametrize(
    ("error", "before", "after", "counts"),
    [
        (InvalidRequest("Bad."), "refused", "failed_after", False),
        (ContentFiltered("Bad."), "refused", "failed_after", False),
        (CapacityExceeded("Too many."), "refused", "failed_after", False),
        (QuotaExhausted("Empty."), "refused", "failed_after", False),
        (CredentialRefused("Bad key."), "refused", "failed_after", False),
        (Unavailable("Loading."), "failed_before", "failed_after", True),
        (DeadlineExceeded("Slow."), "timed_out", "timed_out", True),
        (EngineFailed("Broken."), "failed_before", "failed_after", True),
        (AnswerTruncated("Cut."), "failed_before", "truncated", True),
        (RuntimeError("a fault of ours"), "failed_before", "failed_after", True),
    ],
)
async def test_each_failure_has_its_outcome(error: Exception, before: str, after: str, *, counts: bool) -> None:
    """And only a broken service counts for the breaker."""
    begun: Read = (Delta(content="H", usage=Usage(5, 1)),)
    cases: list[tuple[list[Read], str]] = [([error], before), ([begun, error], after)]
    for reads, outcome in cases:
        one, asked = Deployment(FakeEngine([reads]), consecutive=1), call()
        with pytest.raises(type(error)):
            await said(one.engine, asked)
        assert [row.outcome for row in asked.attempts] == [outcome]
        assert asked.attempts[0].error_code == getattr(error, "code", "internal_error")
        assert one.breaker.state == ("open" if counts else "closed")
        assert one.in_flight() == 0


async def test_an_answer_without_an_end_is_a_failure() -> None:
    """Even where the engine thinks that all is well: never a silent success."""
    one, asked = Deployment(FakeEngine([[(Delta(content="Hi"),)]]), consecutive=1), call()
    with pytest.raises(EngineFailed, match="broke off"):
        await said(one.engine, asked)
    assert [row.outcome for row in asked.attempts] == ["truncated"]
    assert one.breaker.state == "open"


async def test_an_upstreams_network_error_is_no_success() -> None:
    """It is how the service says that it broke."""
    one, asked = Deployment(FakeEngine([text("Hi", finish="network_error")]), consecutive=1), call()
    await said(one.engine, asked)
    assert [row.outcome for row in asked.attempts] == ["failed_after"]
    assert one.breaker.state == "open"


async def test_a_parked_credential_gives_way_to_the_next_at_once() -> None:
    """And gets no request before its reset (contract row A1: 1113 is never retried on its credential)."""
    empty, good = FaultyEngine(parked()), FaultyEngine()
    both = Deployment(empty, good)
    asked = call()
    assert await said(both.engine, asked) == "Hi"
    assert [(row.credential, row.outcome, row.error_code) for row in asked.attempts] == [
        (0, "refused", "insufficient_quota"),
        (1, "ok", None),
    ]
    for _ in range(5):
        await said(both.engine, call())
    assert empty.asked == 1
    both.time.advance(300)
    await said(both.engine, call())
    assert empty.asked == 2


async def test_when_every_credential_is_parked_the_first_failure_is_raised() -> None:
    """Later ones hide the cause. Who comes then asks nobody, and learns of the reset that is known."""
    first = parked()
    engines = [FaultyEngine(first), FaultyEngine(CredentialRefused("Bad key."))]
    both = Deployment(*engines)
    with pytest.raises(QuotaExhausted) as caught:
        await said(both.engine, call())
    assert caught.value is first
    asked = call()
    with pytest.raises(QuotaExhausted, match="glmgate doctor") as again:
        await said(both.engine, asked)
    assert (again.value.status, again.value.retry, again.value.retry_after_s) == (429, False, None)
    assert asked.attempts == []
    assert [engine.asked for engine in engines] == [1, 1]


async def test_a_credential_that_is_busy_is_better_than_one_that_is_empty() -> None:
    """When none comes free in time the client may come again, although the first credential has no money."""
    gate = asyncio.Event()
    both = Deployment(FaultyEngine(parked()), FakeEngine([[gate, *text("Hi")]]), wait_s=5)
    long_one = asyncio.create_task(said(both.engine, call()))
    await settled()
    short_one = asyncio.create_task(said(both.engine, call()))
    await settled()
    both.time.advance(5)
    with pytest.raises(CapacityExceeded) as caught:
        await short_one
    assert caught.value.retry_after_s is not None
    gate.set()
    assert await long_one == "Hi"


async def test_rate_errors_shrink_the_limit_and_their_wait_holds_for_all() -> None:
    """1302 says that too many are in flight; Retry-After is obeyed by every request."""
    engine = FaultyEngine(CapacityExceeded("Too many.", retry_after_s=2))
    one = Deployment(engine, limit=4)
    with pytest.raises(CapacityExceeded):
        await said(one.engine, call())
    assert one.pool.state().credentials[0].limit == 1
    waiting = asyncio.create_task(said(one.engine, call()))
    await settled()
    assert engine.asked == 1
    one.time.advance(2)
    assert await waiting == "Hi"


async def test_a_call_that_is_refused_for_the_rate_goes_to_a_free_credential_at_once() -> None:
    """The wait of one credential is not the request's, as long as there is another."""
    busy = FaultyEngine(CapacityExceeded("Too many.", retry_after_s=5))
    both = Deployment(busy, FaultyEngine(word="Ho"), requeue=Requeue())
    asked = call()
    assert await said(both.engine, asked) == "Ho"
    assert [(row.credential, row.outcome) for row in asked.attempts] == [(0, "refused"), (1, "ok")]


async def test_a_call_that_is_refused_for_the_rate_waits_in_turn() -> None:
    """Where the service does not say for how long, longer each time; nobody else asks that credential meanwhile."""
    refused = CapacityExceeded("Too many.")
    refused.remedy = "retry"  # as services' tables have it; whether it is that or `next` is for the others
    engine = FaultyEngine(*[refused] * 3)
    one = Deployment(engine, limit=4, requeue=Requeue())
    waiting = asyncio.create_task(said(one.engine, call()))
    for asked, wait_s in enumerate((0.125, 0.25, 0.5), start=1):
        await settled()
        assert engine.asked == asked
        one.time.advance(wait_s)
    assert await waiting == "Hi"


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (CapacityExceeded("Too many."), 3),
        (CapacityExceeded("Too many, for long.", retry_after_s=10.1), 1),
        (NoSlot("Nobody was asked."), 1),
        (InvalidRequest("Bad."), 1),
    ],
)
async def test_a_call_does_not_wait_in_turn_for_ever(error: GlmgateError, asked: int) -> None:
    """After some refusals, or for a long wait, another deployment or the client decides."""
    engine = FaultyEngine(*[error] * 9)
    one = Deployment(engine, limit=4, requeue=Requeue(times=2))
    waiting = asyncio.create_task(said(one.engine, call()))
    for _ in range(4):
        await settled()
        one.time.advance(1)
    with pytest.raises(type(error)):
        await waiting
    assert engine.asked == asked


async def test_an_open_breaker_asks_nobody() -> None:
    """Not even for a slot; after a while one request is the probe."""
    engine = FaultyEngine(EngineFailed("Broken."))
    one = Deployment(engine, consecutive=1)
    with pytest.raises(EngineFailed):
        await said(one.engine, call())
    with pytest.raises(Unavailable) as caught:
        await said(one.engine, call())
    assert (caught.value.status, engine.asked) == (503, 1)
    one.time.advance(5)
    assert await said(one.engine, call()) == "Hi"
    assert one.breaker.state == "closed"


async def test_twenty_concurrent_calls_against_one_slot_all_succeed_in_fair_order() -> None:
    """Keys take turns. The service refuses a second call in flight, as GLM's do (contract 3.5, 1302): it gets none."""

    def one_at_a_time(_: Generation) -> list[Read]:
        return [CapacityExceeded("Too many.")] if service.open else text("H", "i")

    service = FakeEngine([one_at_a_time])
    one = Deployment(service, limit=1)
    order: list[str] = []

    async def request(key_id: str) -> None:
        asked = call(caller=Caller(key_id=key_id))
        async with one.engine.stream(asked, chat()) as deltas:
            order.append(key_id)
            _ = [read async for read in deltas]
        assert [row.outcome for row in asked.attempts] == ["ok"]

    await asyncio.gather(*(request(key_id) for key_id in "a" * 15 + "bbb" + "cc"))
    assert service.most_open == 1
    assert order[:9] == ["a", "a", "b", "c", "a", "b", "c", "a", "b"]
    assert len(order) == 20


async def test_a_client_that_is_gone_closes_the_call_at_once() -> None:
    """Before the first words, after them, and while it waits for a slot."""
    engine = FakeEngine([[asyncio.Event()], [(Delta(content="H"),), asyncio.Event()]])
    one = Deployment(engine)
    for rows in (1, 2):
        asked = call()
        task = asyncio.create_task(said(one.engine, asked))
        behind = asyncio.create_task(said(one.engine, other := call()))
        await settled()
        assert engine.open == 1
        behind.cancel()
        task.cancel()
        began = time.monotonic()
        results = await asyncio.gather(task, behind, return_exceptions=True)
        assert time.monotonic() - began < 1  # milliseconds; generous for a busy machine
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert [row.outcome for row in asked.attempts] == ["cancelled"]
        assert other.attempts == []
        assert (engine.open, engine.left, one.in_flight()) == (0, rows, 0)
    assert one.breaker.state == "closed"


async def test_a_slot_is_free_only_after_the_call_is_closed() -> None:
    """Otherwise the next call would be refused by a service that takes one at a time."""
    engine = FakeEngine([text("Hi")])
    one = Deployment(engine)
    async with one.engine.stream(call(), chat()) as deltas:
        _ = [read async for read in deltas]
        assert one.in_flight() == 1
        assert engine.open == 1
    assert one.in_flight() == 0


ENDS: dict[str, list[Read]] = {
    "ok": text("a", "b", "c"),
    "cut": [(Delta(content="a"),), (Delta(content="b"),)],
    "error": [(Delta(reasoning="a"),), EngineFailed("Broken.")],
    "quota": [(Delta(reasoning="a"),), QuotaExhausted("Empty.")],
    "silent": [(Delta(),), (Delta(),)],
    "refused": [InvalidRequest("Bad.")],
    "rate": [CapacityExceeded("Too many.", retry_after_s=0.0)],
    "parked": [parked()],
    "bug": [RuntimeError("a fault of ours")],
    "hangs": [(Delta(content="a"),), asyncio.Event()],
    "hangs early": [asyncio.Event()],
}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(ENDS)), min_size=2, max_size=2),
    st.integers(0, 5),
    st.sampled_from(["reads on", "leaves", "raises", "is cancelled"]),
)
def test_every_way_to_leave_is_exactly_one_row_for_each_call(ends: list[str], reads: int, then: str) -> None:
    """Whatever the service does, whoever leaves when: nothing stays open, and no row is missing or double."""

    async def go() -> None:
        engines = [FakeEngine([ENDS[end]]) for end in ends]
        both, asked = Deployment(*engines), call()

        async def read() -> None:
            async with both.engine.stream(asked, chat()) as deltas:
                for _ in range(reads):
                    await anext(deltas, None)
                if then == "raises":
                    raise KeyError(then)
                if then == "reads on":
                    _ = [one async for one in deltas]

        task = asyncio.create_task(read())
        for _ in range(30 if then != "is cancelled" else reads):
            await asyncio.sleep(0)
        task.cancel()  # whoever hangs
        (result,) = await asyncio.gather(task, return_exceptions=True)
        assert result is None or isinstance(result, GlmgateError | RuntimeError | KeyError | asyncio.CancelledError)
        assert len(asked.attempts) == sum(len(engine.requests) for engine in engines)
        assert len({row.credential for row in asked.attempts}) == len(asked.attempts)
        assert all(engine.open == 0 for engine in engines)
        assert both.in_flight() == 0
        assert both.pool.state().waiting == 0

    asyncio.run(go())


async def test_a_deadline_in_the_queue_is_no_attempt() -> None:
    """Nobody was asked."""
    one = Deployment(FakeEngine([[asyncio.Event()]]), wait_s=1)
    hangs = asyncio.create_task(said(one.engine, call()))
    await settled()
    asked = call()
    waits = asyncio.create_task(said(one.engine, asked))
    await settled()
    one.time.advance(1)
    with pytest.raises(NoSlot):
        await waits
    assert asked.attempts == []
    hangs.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hangs
