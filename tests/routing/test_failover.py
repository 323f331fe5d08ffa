"""A route: who is asked first, who next, and which failure is told in the end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import (
    CapacityExceeded,
    EngineFailed,
    InvalidRequest,
    QuotaExhausted,
    Unavailable,
    UnsupportedValue,
)
from glmgate.routing.breaker import Breaker, BreakerPolicy
from glmgate.routing.failover import Candidate, Failover, ordered
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Call, Deltas, Engine, Generation, Note
from tests.fakes.asked import chat, counted, embedded, said
from tests.fakes.engine import FakeEngine, call, text
from tests.fakes.faulty import FaultyEngine
from tests.fakes.time import settled

BROKEN = EngineFailed("Broken.")


def candidate(name: str, engine: Engine, *, priority: int = 0, weight: float = 1.0, **more: object) -> Candidate:
    """A deployment of a route."""
    return Candidate(f"{name}/m", f"{name}-model", engine, priority=priority, weight=weight, **more)  # type: ignore[arg-type] # a breaker or a note


def route(*engines: Engine) -> Failover:
    """One after the other: a, b, c."""
    names = zip("abc", engines, strict=False)
    return Failover([candidate(name, engine, priority=place) for place, (name, engine) in enumerate(names)])


@pytest.mark.parametrize(("ask", "answer"), [(said, "Hi"), (embedded, "2"), (counted, "1")])
async def test_the_next_one_answers(ask: Callable[[Engine, Call], Awaitable[str]], answer: str) -> None:
    """And is named, whatever was asked for."""
    asked = call()
    assert await ask(route(FaultyEngine(BROKEN), FaultyEngine()), asked) == answer
    assert (asked.answered_by, asked.deployment) == ("b-model", "b/m")


async def test_nobody_is_named_before_the_first_words() -> None:
    """They are there as soon as the context is entered."""
    asked = call()
    engine = FakeEngine([[(Delta(),), (Delta(content="Hi"),), (Delta(finish_reason="stop"),)]])
    async with route(engine).stream(asked, chat()):
        assert asked.answered_by == "a-model"
    assert (engine.open, engine.left) == (0, 1)


@pytest.mark.parametrize(
    "failure",
    [BROKEN, Unavailable("Loading."), CapacityExceeded("Too many."), QuotaExhausted("Empty.")],
)
async def test_when_all_fail_the_first_failure_is_told(failure: Exception) -> None:
    """A later one hides the cause, and a refusal of a makeshift says nothing about the request."""
    second, third = FaultyEngine(InvalidRequest("Bad for the second.")), FaultyEngine()
    asked = call()
    with pytest.raises(type(failure)) as caught:
        await said(route(FaultyEngine(failure), second, third), asked)
    assert caught.value is failure
    assert (second.asked, third.asked) == (1, 0)
    assert asked.answered_by is None


async def test_a_refused_request_goes_nowhere_else() -> None:
    """It would be refused there as well."""
    second = FaultyEngine()
    with pytest.raises(InvalidRequest):
        await said(route(FaultyEngine(InvalidRequest("Bad.")), second), call())
    assert second.asked == 0


async def test_nobody_else_is_asked_after_the_first_words() -> None:
    """Reasoning included."""
    second = FaultyEngine()
    with pytest.raises(EngineFailed):
        await said(route(FakeEngine([[(Delta(reasoning="Hm"),), BROKEN]]), second), call())
    assert second.asked == 0


async def test_who_is_only_left_alone_for_a_while_is_told_of() -> None:
    """No money at one, a broken one at rest: the client may come back, which the first failure alone would deny."""
    breaker = Breaker("a/m", policy=BreakerPolicy(consecutive=1))
    breaker.admit().failed()
    empty = FaultyEngine(QuotaExhausted("Empty."))
    both = Failover([candidate("a", FakeEngine([]), breaker=breaker), candidate("b", empty, priority=1)])
    with pytest.raises(Unavailable) as caught:
        await said(both, call())
    assert caught.value.retry_after_s is not None
    assert isinstance(caught.value.__cause__, QuotaExhausted)


async def test_what_one_cannot_do_is_asked_of_the_next() -> None:
    """Log probabilities, say: refused by the first one's profile, and known to the second. A bad value is told."""
    assert await said(route(FaultyEngine(UnsupportedValue("No logprobs here.")), FaultyEngine()), call()) == "Hi"
    second = FaultyEngine()
    with pytest.raises(InvalidRequest):
        await said(route(FaultyEngine(InvalidRequest("Bad.")), second), call())
    assert second.asked == 0


async def test_an_open_breaker_is_passed_by() -> None:
    """Where all are open, the first is asked: it says itself why it does not answer."""
    breaker = Breaker("a/m", policy=BreakerPolicy(consecutive=1))
    breaker.admit().failed()
    first, second = FaultyEngine(), FaultyEngine(word="second")
    both = Failover([candidate("a", first, breaker=breaker), candidate("b", second, priority=1)])
    assert await said(both, call()) == "second"
    assert first.asked == 0
    only = Failover([candidate("a", first, breaker=breaker)])
    assert await said(only, call()) == "Hi"


async def test_the_report_is_that_of_whoever_answered() -> None:
    """What was changed for a deployment that failed was not changed for the answer."""

    class Noting(FaultyEngine):
        """Changes something before it is asked."""

        def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
            call.note(Note(f"field-{id(self)}", "omitted"))
            return super().stream(call, request)

    first, second = Noting(BROKEN), Noting()
    asked = call(notes=[Note("before", "omitted")])
    other = Note("model", "m->n", exact=False)
    both = Failover([candidate("a", first), candidate("b", second, priority=1, note=other)])
    await said(both, asked)
    assert asked.notes == [Note("before", "omitted"), other, Note(f"field-{id(second)}", "omitted")]


@pytest.mark.parametrize("members", [{}, {"glmgate": {"strict": True}}])
async def test_a_strict_call_is_not_given_to_another_model(members: dict[str, object]) -> None:
    """By the header or the body; without that it is, and the report says so."""
    other = FaultyEngine(word="other")
    note = Note("model", "m->n", exact=False)
    both = Failover([candidate("a", FaultyEngine(BROKEN)), candidate("b", other, priority=1, note=note)])
    with pytest.raises(EngineFailed):
        await said(both, call(strict=not members), **members)
    assert other.asked == 0
    relaxed = Failover([candidate("a", FaultyEngine(BROKEN)), candidate("b", other, priority=1, note=note)])
    asked = call()
    assert await said(relaxed, asked) == "other"
    assert asked.notes == [note]


async def test_who_leaves_before_the_first_words_leaves_everything() -> None:
    """And nobody else is asked for a client that is gone."""
    first, second = FakeEngine([[asyncio.Event()]]), FaultyEngine()
    task = asyncio.create_task(said(route(first, second), call()))
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (first.open, second.asked) == (0, 0)


def test_equal_ones_share_by_weight() -> None:
    """The same chance gives the same order; without weight one is asked when nobody else is left."""
    engine = FakeEngine([text("Hi")])
    three = [candidate("a", engine, weight=3), candidate("b", engine), candidate("c", engine, weight=0)]
    chance = random.Random(7)
    orders = Counter("".join(one.deployment[0] for one in ordered(three, chance.random)) for _ in range(4000))
    assert set(orders) == {"abc", "bac"}
    assert 2850 < orders["abc"] < 3150
    assert ordered(three, lambda: 0.0) == ordered(three, lambda: 0.0)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e6)), min_size=1, max_size=6),
    st.floats(0, 1, exclude_max=True),
)
def test_all_are_asked_once_and_never_against_their_priority(places: list[tuple[int, float]], point: float) -> None:
    """Whatever their weights and whatever chance says."""
    engine = FakeEngine()
    candidates = [
        candidate(str(number), engine, priority=priority, weight=weight)
        for number, (priority, weight) in enumerate(places)
    ]
    order = ordered(candidates, lambda: point)
    assert sorted(one.deployment for one in order) == sorted(one.deployment for one in candidates)
    assert [one.priority for one in order] == sorted(one.priority for one in candidates)


def test_a_route_without_candidates_is_refused() -> None:
    """When it is made, not when it is asked."""
    with pytest.raises(ValueError, match="at least one"):
        Failover([])
