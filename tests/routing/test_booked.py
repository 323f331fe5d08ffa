"""An engine whose answers are put down: before it is asked, and however it is left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import (
    AnswerTruncated,
    DeadlineExceeded,
    EngineFailed,
    GlmgateError,
    InvalidRequest,
    QuotaExhausted,
    Remedy,
    Unavailable,
)
from glmgate.routing.attempts import Attempts
from glmgate.routing.batched import in_batches
from glmgate.routing.booked import Booked
from glmgate.routing.breaker import Breaker, BreakerPolicy
from glmgate.routing.failover import Candidate, Failover
from glmgate.routing.fanout import Fanout
from glmgate.routing.slots import Pool
from glmgate.wire.charge import Charge
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Generation, Place
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine, Read, call, text
from tests.fakes.journal import FakeSpending
from tests.fakes.time import FakeTime
from tests.routing.booking import PLACE, Desk, request


async def drained(deltas: Deltas) -> list[Delta]:
    """All deltas."""
    return [delta async for read in deltas for delta in read]


async def test_an_answer_is_reserved_before_and_settled_after() -> None:
    """Nothing of it is changed."""
    desk = Desk()
    engine = FakeEngine([text("Hello", " you")])
    stream = desk.booked(engine).stream(desk.call, request())
    assert not desk.journal.reservations
    async with stream as deltas:
        assert len(desk.journal.reservations) == 1
        assert not desk.journal.settlements
        said = await drained(deltas)
    assert "".join(delta.content or "" for delta in said) == "Hello you"
    (row,) = desk.journal.settlements
    assert (row.id, row.outcome, row.charge.usage) == (f"{desk.call.uid}.0", "ok", Usage(5, 3))
    assert desk.call.charges == [row.charge]
    assert (desk.spending.held, desk.spending.spent) == ([], [row.charge])


async def test_the_engine_is_not_asked_before_the_books_have_it() -> None:
    """A process that dies has told of everything that it sent."""
    desk = Desk()
    desk.journal.gate = asyncio.Event()
    engine = FakeEngine([text("Hi")])
    task = asyncio.create_task(desk.booked(engine).stream(desk.call, request()).__aenter__())
    await asyncio.sleep(0.01)
    assert (len(desk.journal.reservations), engine.requests) == (1, [])
    desk.journal.gate.set()
    await drained(await task)
    assert desk.journal.outcomes == ["ok"]


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [
        (InvalidRequest("Bad."), "refused"),
        (QuotaExhausted("Empty."), "refused"),
        (EngineFailed("Broken."), "failed_before"),
        (DeadlineExceeded("Slow."), "timed_out"),
        (RuntimeError("ours"), "failed_before"),
    ],
)
async def test_a_failure_on_entering_is_settled(refused: Exception, outcome: str) -> None:
    """And raised as it is."""
    desk = Desk()
    with pytest.raises(type(refused)):
        async with desk.booked(FakeEngine([text("x")], refusal=refused)).stream(desk.call, request()):
            pass
    assert desk.journal.outcomes == [outcome]
    code = refused.code if isinstance(refused, GlmgateError) else "internal_error"
    assert desk.journal.settlements[0].error_code == code


@pytest.mark.parametrize(
    ("failed", "outcome"),
    [(AnswerTruncated("Cut."), "truncated"), (EngineFailed("Broken."), "failed_after"), (None, "truncated")],
)
async def test_a_failure_within_is_settled_by_what_was_seen(failed: Exception | None, outcome: str) -> None:
    """The service bills what it has said; an end without a finish reason is none."""
    desk = Desk()
    script: list[Read] = [(Delta(content="a" * 40),), *([failed] if failed else [])]
    stream = desk.booked(FakeEngine([script])).stream(desk.call, request())
    async with stream as deltas:
        if failed is None:
            await drained(deltas)
        else:
            with pytest.raises(type(failed)):
                await drained(deltas)
    (row,) = desk.journal.settlements
    assert (row.outcome, row.charge.usage.completion, row.charge.estimated) == (outcome, 10, True)


async def test_a_client_that_leaves_is_charged_for_what_it_got() -> None:
    """Before the first delta, in the middle, and behind the end."""
    for reads, outcome in ((0, "cancelled"), (1, "cancelled"), (3, "ok")):
        desk = Desk()
        engine = FakeEngine([text("Hello", " you")])
        async with desk.booked(engine).stream(desk.call, request()) as deltas:
            for _ in range(reads):
                await anext(deltas)
        assert desk.journal.outcomes == [outcome]
        assert engine.open == 0


@pytest.mark.parametrize("place", ["reserving", "entering", "reading"])
async def test_a_cancelled_call_is_settled_wherever_it_stands(place: str) -> None:
    """Exactly once; what was not sent costs nothing."""
    desk = Desk()
    wait = asyncio.Event()
    desk.journal.gate = wait if place == "reserving" else None
    engine = FakeEngine([[(Delta(content="Hi"),), wait]])

    async def ask() -> None:
        if place == "entering":
            await Booked(Slow(), PLACE).stream(desk.call, request()).__aenter__()
        async with desk.booked(engine).stream(desk.call, request()) as deltas:
            await drained(deltas)

    task = asyncio.create_task(ask())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.journal.is_balanced
    assert desk.journal.outcomes == ["cancelled"]
    assert desk.spending.held == []
    assert (desk.journal.settlements[0].charge.usage.total == 0) is (place == "reserving")


class Slow(FakeEngine):
    """Does not begin to answer."""

    def stream(self, call: Call, request: Generation) -> Slow:
        """Something that is never entered."""
        return self

    async def __aenter__(self) -> Deltas:
        await asyncio.Event().wait()
        raise AssertionError

    async def __aexit__(self, *_: object) -> None:
        """Close nothing."""


async def test_what_the_budget_refuses_is_not_sent_and_says_nothing_about_the_deployment() -> None:
    """No credential is parked for it, no breaker opens, and nothing is put down."""
    for refusal in (QuotaExhausted("Nothing is left."), Unavailable("The ledger is full.")):
        desk = Desk()
        if isinstance(refusal, QuotaExhausted):
            desk.spending.refusal = refusal
        else:
            desk.journal.refusal = refusal
        time = FakeTime()
        pool = Pool("zai", ["a", "b"], limit=1, clock=time, later=time.later)
        breaker = Breaker("zai/glm-4.6", policy=BreakerPolicy(consecutive=1), clock=time)
        engine = FakeEngine([text("x")])
        attempts = Attempts(
            pool,
            {0: desk.booked(engine), 1: desk.booked(engine)},
            deployment="zai/glm-4.6",
            breaker=breaker,
            clock=time,
        )
        with pytest.raises(type(refusal)):
            await attempts.stream(desk.call, request()).__aenter__()
        assert engine.requests == []
        assert breaker.state == "closed"
        assert all(each.parked_until is None and each.in_flight == 0 for each in pool.state().credentials)
        assert (desk.journal.reservations, desk.spending.held, desk.call.charges) == ([], [], [])
        assert desk.call.attempts == []


class OfPlace(FakeSpending):
    """Refuses one deployment, and says whether another one may be tried."""

    def __init__(self, deployment: str, remedy: Remedy) -> None:
        super().__init__()
        self.deployment = deployment
        self.remedy = remedy

    async def attempt(
        self, call: Call, place: Place, request: Generation | EmbeddingsRequest, estimate: Charge
    ) -> None:
        """Refuse it there."""
        if place.deployment == self.deployment:
            refused = QuotaExhausted("The budgets are in USD.")
            refused.remedy = self.remedy
            raise refused
        await super().attempt(call, place, request, estimate)


@pytest.mark.parametrize(("remedy", "asks"), [("next", [0, 1]), ("tell", [0, 0]), ("park", [0, 0])])
async def test_the_next_deployment_is_asked_where_only_the_budgets_currency_was_wrong(
    remedy: Remedy, asks: list[int]
) -> None:
    """A budget that is spent is so everywhere; one in another currency may cover the next one of the route."""
    desk = Desk()
    desk.call.spending = OfPlace("yuan/m", remedy)
    engines = [FakeEngine([text("x")]), FakeEngine([text("x")])]
    places = [Place("yuan/m", "yuan", "m"), Place("dollars/m", "dollars", "m")]
    route = Failover(
        [
            Candidate(place.deployment, "m", Booked(engine, place), priority=order)
            for order, (engine, place) in enumerate(zip(engines, places, strict=True))
        ]
    )
    with contextlib.nullcontext() if remedy == "next" else pytest.raises(QuotaExhausted):
        async with route.stream(desk.call, request()) as deltas:
            await drained(deltas)
    assert [len(engine.requests) for engine in engines] == asks


async def test_vectors_are_put_down_and_counting_is_not() -> None:
    """Counting costs nothing."""
    desk = Desk()
    booked = desk.booked(FakeEngine())
    await booked.embed(desk.call, EmbeddingsRequest(model="m", input=["a", "b"]))
    await booked.count(desk.call, TokenizerRequest(model="m", messages=[Message(role="user", content="x")]))
    (row,) = desk.journal.settlements
    assert (row.outcome, row.charge.usage, row.charge.estimated) == ("ok", Usage(2), False)


async def test_vectors_that_fail_are_settled() -> None:
    """As an answer in deltas is."""

    class Broken(FakeEngine):
        async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
            raise EngineFailed("Broken.")

    desk = Desk()
    with pytest.raises(EngineFailed):
        await desk.booked(Broken()).embed(desk.call, EmbeddingsRequest(model="m", input=["a"]))
    assert desk.journal.outcomes == ["failed_before"]


async def test_each_call_of_a_request_is_an_entry_of_its_own() -> None:
    """Several choices, and batches of vectors: each is billed by itself."""
    desk = Desk()
    engine = Fanout(desk.booked(FakeEngine([text("a"), text("b"), text("c")])))
    three = ChatRequest(model="m", messages=[Message(role="user", content="x")], n=3)
    async with engine.stream(desk.call, three) as deltas:
        await drained(deltas)
    assert desk.journal.outcomes == ["ok"] * 3
    assert desk.journal.is_balanced
    texts = EmbeddingsRequest(model="m", input=["a", "b", "c"])
    await in_batches(desk.booked(FakeEngine()), desk.call, texts, at_once=2)
    assert len(desk.journal.settlements) == 5
    assert len(desk.call.charges) == 5


async def test_a_call_without_books_is_put_down_nowhere() -> None:
    """The engine's answer goes by."""
    async with Booked(FakeEngine([text("x")]), Place("m", "", "m")).stream(call(), request()) as deltas:
        assert await drained(deltas)


END = st.sampled_from(["reads on", "leaves", "raises"])
READ = st.sampled_from(
    [
        (Delta(content="ab"),),
        (Delta(content="ab", usage=Usage(5, 1)),),
        (Delta(finish_reason="stop"),),
        (Delta(finish_reason="stop", usage=Usage(5, 3)),),
        (Delta(usage=Usage(5, 3)),),
        (),
    ]
)
FAILURE: st.SearchStrategy[Callable[[], Exception] | None] = st.sampled_from(
    [
        None,
        lambda: EngineFailed("x"),
        lambda: AnswerTruncated("x"),
        lambda: InvalidRequest("x"),
        lambda: ValueError("x"),
    ]
)


@given(reads=st.lists(READ, max_size=5), failure=FAILURE, then=END, at=st.integers(0, 5))
def test_whatever_happens_there_is_one_row(
    reads: list[tuple[Delta, ...]], failure: Callable[[], Exception] | None, then: str, at: int
) -> None:
    """However an answer goes and however it is left: settled once, and the sums agree."""
    desk = Desk()

    async def ask() -> None:
        script: list[Read] = [*reads, *([failure()] if failure else [])]
        async with desk.booked(FakeEngine([script])).stream(desk.call, request()) as deltas:
            seen = 0
            async for _ in deltas:
                seen += 1
                if then != "reads on" and seen > at:
                    if then == "raises":
                        raise KeyError
                    return

    with contextlib.suppress(GlmgateError, ValueError, KeyError):
        asyncio.run(ask())
    assert desk.journal.is_balanced
    assert [row.charge for row in desk.journal.settlements] == desk.call.charges == desk.spending.spent
    assert desk.spending.held == []
    assert all((charge.amount or 0) >= 0 for charge in desk.call.charges)
