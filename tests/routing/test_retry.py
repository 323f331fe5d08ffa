"""The same deployment again: when, how long after, how often, and when never."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from glmgate.errors import (
    CapacityExceeded,
    EngineFailed,
    GlmgateError,
    InvalidRequest,
    QuotaExhausted,
    Unavailable,
)
from glmgate.routing.attempts import Attempts
from glmgate.routing.backoff import Backoff
from glmgate.routing.breaker import Breaker
from glmgate.routing.budget import RetryBudget
from glmgate.routing.interfaces import NoSlot
from glmgate.routing.retry import Retry, RetryLimits
from glmgate.routing.slots import Pool
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Call, Engine, Generation
from tests.fakes.asked import chat, counted, embedded, said
from tests.fakes.engine import FakeEngine, Read, call, text
from tests.fakes.faulty import FaultyEngine
from tests.fakes.time import FakeTime, settled


def retry(engine: Engine, *, time: FakeTime | None = None, limits: RetryLimits | None = None) -> Retry:
    """Waits for half a second, one and two seconds, without taking them."""
    time = time or FakeTime()
    return Retry(
        engine,
        budget=RetryBudget(clock=time),
        limits=limits,
        backoff=Backoff(base_s=1.0),
        clock=time,
        random=lambda: 0.5,
        sleep=time.skip,
    )


def error(remedy: str, kind: type[GlmgateError] = EngineFailed, *, retry_after_s: float | None = None) -> GlmgateError:
    """One with that remedy."""
    made = kind(f"{remedy}.", retry_after_s=retry_after_s)
    made.remedy = remedy  # type: ignore[assignment] # one of its words
    return made


@pytest.mark.parametrize(("ask", "answer"), [(said, "Hi"), (embedded, "2"), (counted, "1")])
async def test_what_helps_is_tried_again_with_growing_waits(
    ask: Callable[[Engine, Call], Awaitable[str]], answer: str
) -> None:
    """Whatever is asked for."""
    time = FakeTime()
    engine = FaultyEngine(*[EngineFailed("Broken.")] * 3)
    assert await ask(retry(engine, time=time), call()) == answer
    assert engine.asked == 4
    assert time.slept == [0.5, 1.0, 2.0]


async def test_after_the_last_try_the_first_failure_is_raised() -> None:
    """It is nearest to the cause."""
    first = EngineFailed("The cause.")
    engine = FaultyEngine(first, *[EngineFailed("What followed.")] * 9)
    with pytest.raises(EngineFailed) as caught:
        await said(retry(engine), call())
    assert caught.value is first
    assert engine.asked == 4


@pytest.mark.parametrize(
    "refused",
    [
        error("tell"),
        error("next"),
        error("park", QuotaExhausted),
        InvalidRequest("Bad."),
        Unavailable("Loading.", retry_after_s=1),
        CapacityExceeded("Too many, who knows for how long."),
        error("retry", CapacityExceeded, retry_after_s=1),
        NoSlot("Nobody was asked.", retry_after_s=1),
        error("retry", retry_after_s=10.1),
    ],
)
async def test_what_does_not_help_is_not_tried_again(refused: GlmgateError) -> None:
    """Only `retry` does; limits were waited for in turn, and a long wait is left to others."""
    engine = FaultyEngine(refused)
    with pytest.raises(type(refused)):
        await said(retry(engine), call())
    assert engine.asked == 1


async def test_a_stated_wait_is_obeyed() -> None:
    """And jitter added, so that those who were told the same do not come back together."""
    time = FakeTime()
    engine = FaultyEngine(error("retry", retry_after_s=3))
    assert await said(retry(engine, time=time), call()) == "Hi"
    assert time.slept == [3.5]


async def test_a_refusal_of_a_later_try_is_told() -> None:
    """It is an answer to the request, which the first failure was not."""
    engine = FaultyEngine(EngineFailed("Broken."), InvalidRequest("Bad."))
    with pytest.raises(InvalidRequest):
        await said(retry(engine), call())


async def test_no_try_begins_after_the_total_time() -> None:
    """A wait that would end later is not begun."""
    time = FakeTime()
    engine = FaultyEngine(*[error("retry", retry_after_s=4)] * 9)
    with pytest.raises(EngineFailed):
        await said(retry(engine, time=time, limits=RetryLimits(total_s=10)), call())
    assert engine.asked == 3
    assert time.slept == [4.5, 5.0]


async def test_the_budget_bounds_all_requests_together() -> None:
    """10 % extra load plus 3: a service that is down is not kept down by us."""
    time = FakeTime()  # it stands still, so all of it is one minute
    engine = FaultyEngine(*[EngineFailed("Broken.")] * 10_000)
    again = Retry(engine, budget=RetryBudget(clock=time), limits=RetryLimits(tries=5), clock=time, sleep=_no_time)
    for _ in range(100):
        with pytest.raises(EngineFailed):
            await said(again, call())
    assert engine.asked == 100 + 10 + 3


async def _no_time(seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("first", [Delta(content="H"), Delta(reasoning="Hm")])
async def test_nothing_is_tried_again_after_the_first_words(first: Delta) -> None:
    """Reasoning included: the client has seen it, and another answer would contradict it."""
    engine = FakeEngine([[(first,), EngineFailed("Broken.")]])
    with pytest.raises(EngineFailed):
        await said(retry(engine), call())
    assert len(engine.requests) == 1


async def test_what_said_nothing_is_tried_again() -> None:
    """A head and a chunk without a word are no answer yet."""
    engine = FakeEngine([[(Delta(),), EngineFailed("Broken.")], text("Hi")])
    assert await said(retry(engine), call()) == "Hi"
    assert engine.open == 0


async def test_who_leaves_while_it_waits_leaves_at_once() -> None:
    """Nothing is asked for a client that is gone."""
    time = FakeTime()
    engine = FaultyEngine(EngineFailed("Broken."))
    again = Retry(engine, budget=RetryBudget(clock=time), clock=time, random=lambda: 0.5, sleep=time.sleep)
    task = asyncio.create_task(said(again, call()))
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.asked == 1


async def test_leaving_an_answer_leaves_the_engine() -> None:
    """Wherever it stands."""
    engine = FakeEngine([text("a", "b", "c")])
    async with retry(engine).stream(call(), chat()) as deltas:
        await anext(deltas)
    assert (engine.open, engine.left) == (0, 1)


async def test_each_try_is_an_attempt_of_its_own() -> None:
    """With its own slot, which is free while the next try is waited for."""
    time = FakeTime()
    pool = Pool("main", ["only"], limit=1, clock=time, later=time.later)
    attempts = Attempts(
        pool,
        {0: FaultyEngine(EngineFailed("Broken."), EngineFailed("Broken again."))},
        deployment="main/m",
        breaker=Breaker("main/m", clock=time),
        clock=time,
    )
    asked = call()
    assert await said(retry(attempts, time=time), asked) == "Hi"
    assert [row.outcome for row in asked.attempts] == ["failed_before", "failed_before", "ok"]
    assert time.slept == [0.5, 1.0]


async def test_a_limit_that_is_set_too_high_is_found() -> None:
    """Twenty calls at once, four slots, and a service that takes one: the slots shrink, and all succeed."""
    time = FakeTime()

    def one_at_a_time(_: Generation) -> list[Read]:
        return [CapacityExceeded("Too many.")] if service.open else text("H", "i")

    service = FakeEngine([one_at_a_time])
    pool = Pool("main", ["only"], limit=4, clock=time, later=time.later)
    breaker = Breaker("main/m", clock=time)
    attempts = Attempts(pool, {0: service}, deployment="main/m", breaker=breaker, clock=time)
    engine = Retry(attempts, budget=RetryBudget(clock=time), clock=time, sleep=time.sleep)
    tasks = [asyncio.create_task(said(engine, call())) for _ in range(20)]
    while not all(task.done() for task in tasks):
        for _ in range(50):
            await asyncio.sleep(0)
        time.advance(0.5)
    assert [task.result() for task in tasks] == ["Hi"] * 20
    assert len(service.requests) <= 30
