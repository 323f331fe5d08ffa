"""The life of a request: who answers it, and that it ends exactly once, however it ends."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from glmgate.errors import EngineFailed, InvalidRequest, ModelNotFound
from glmgate.policy.endings import Ending
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.wire.charge import Charge
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Attempt, CacheUse, Call, Deltas, Generation
from glmgate.wire.rerank import RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine
from tests.gateway.requests import Watched, around, call, chat

HELLO = (Delta(content="hello"),)
END = (Delta(finish_reason="stop", usage=Usage(3, 1)),)


async def read_all(watched: Watched, model: str = "tiny") -> list[Delta]:
    """Every delta of one answer."""
    async with watched.gateway.generate(call(), chat(model)) as answer:
        return [delta async for deltas in answer.deltas for delta in deltas]


async def test_the_deltas_of_the_deployment_go_through() -> None:
    """What the engine says is what the caller gets, in its order."""
    assert await read_all(around(FakeEngine([[HELLO, END]]))) == [*HELLO, *END]


async def test_the_answer_says_who_speaks() -> None:
    """A known name that another model answers is in the report, and the answer has the other's name."""
    watched = around(FakeEngine([[HELLO, END]]))
    asked = call()
    async with watched.gateway.generate(asked, chat("glm-4.6")) as answer:
        assert answer.model == "tiny"
    assert [str(note) for note in asked.notes] == ["model=glm-4.6->tiny"]


async def test_a_whole_answer_is_recorded_with_its_tokens_and_times() -> None:
    """The record has everything that a log line needs, and no contents."""
    gate = asyncio.Event()
    watched = around(FakeEngine([[HELLO, gate, END]]))
    async with watched.gateway.generate(call(), chat()) as answer:
        watched.clock.advance(2)
        await anext(answer.deltas)
        watched.clock.advance(3)
        gate.set()
        async for _ in answer.deltas:
            pass
    record = watched.record
    assert (record.ending, record.usage, record.first_s, record.total_s) == (Ending.COMPLETED, Usage(3, 1), 2, 5)
    assert (record.request_id, record.key_id, record.model, record.deployment) == ("r-1", "k-1", "tiny", "tiny")


async def test_leaving_closes_the_engine_at_once() -> None:
    """A caller that goes takes the engine's stream along."""
    engine = FakeEngine([[HELLO, asyncio.Event(), END]])
    watched = around(engine)
    async with watched.gateway.generate(call(), chat()) as answer:
        await anext(answer.deltas)
    assert (engine.open, engine.left) == (0, 1)
    assert watched.record.ending == Ending.CLIENT_LEFT_AFTER


async def test_a_cancelled_request_is_a_client_that_left() -> None:
    """The surface cancels the task when the connection closes; before the first delta it is another ending."""
    watched = around(FakeEngine([[asyncio.Event()]]))
    task = asyncio.create_task(read_all(watched))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (watched.record.ending, watched.observer.in_flight) == (Ending.CLIENT_LEFT_BEFORE, 0)


@pytest.mark.parametrize(
    ("script", "ending"),
    [([EngineFailed("x")], Ending.FAILED_BEFORE), ([HELLO, EngineFailed("x")], Ending.FAILED_AFTER)],
)
async def test_an_engine_that_breaks_ends_the_request(script: list[tuple[Delta, ...]], ending: Ending) -> None:
    """Its error goes on to the surface, and the record names the code."""
    watched = around(FakeEngine([script]))
    with pytest.raises(EngineFailed):
        await read_all(watched)
    assert (watched.record.ending, watched.record.error_code) == (ending, "engine_failed")


async def test_a_refusal_is_recorded_as_one() -> None:
    """What the engine or a rule refuses before the first delta is the caller's fault."""
    watched = around(FakeEngine([[]], refusal=InvalidRequest("no")))
    with pytest.raises(InvalidRequest):
        await read_all(watched)
    assert watched.record.ending == Ending.REFUSED


async def test_an_unknown_model_is_a_recorded_refusal() -> None:
    """Nobody answers, and the record has no deployment."""
    watched = around(FakeEngine())
    with pytest.raises(ModelNotFound):
        await read_all(watched, model="nobody")
    assert (watched.record.ending, watched.record.deployment) == (Ending.REFUSED, "")


async def test_documents_are_reranked_by_vectors() -> None:
    """One request of its own kind, and the report says how it was done."""
    watched = around(FakeEngine())
    asked = call()
    reranked = await watched.gateway.rerank(asked, RerankRequest(model="rerank", query="q", documents=["a", "b"]))
    assert (reranked.model, [one.index for one in reranked.ranking.results]) == ("mini", [0, 1])
    assert [str(note) for note in asked.notes] == ["model=rerank->mini", "rerank=emulated"]
    assert (watched.record.endpoint, watched.record.ending, watched.record.usage.prompt) == ("rerank", "completed", 3)


async def test_embeddings_and_counts_are_requests_too() -> None:
    """Each has one record with its tokens."""
    watched = around(FakeEngine())
    embedded = await watched.gateway.embed(call(), EmbeddingsRequest(model="mini", input=["a", "b"]))
    tokens = await watched.gateway.count(call(), TokenizerRequest(model="tiny", messages=chat().messages))
    assert (embedded.model, len(embedded.embeddings.vectors), tokens) == ("mini", 2, 1)
    assert [(record.endpoint, record.ending, record.usage.prompt) for record in watched.observer.records] == [
        ("embeddings", "completed", 2),
        ("tokenizer", "completed", 1),
    ]


class Speaking(FakeEngine):
    """An engine that says who speaks, where, and by which calls, as routing does."""

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer, and say so."""
        call.answered_by, call.deployment, call.cache_use = "other", "zai/other", "miss"
        call.attempts.append(Attempt("zai/other", 0, "ok", 0.5))
        return FakeEngine.stream(self, call, request)


async def test_who_really_answered_is_told_and_recorded() -> None:
    """Where a route has several models, the one that speaks gives its name to the answer and to the record."""
    watched = around(Speaking([[HELLO, END]]))
    async with watched.gateway.generate(call(), chat()) as answer:
        assert answer.model == "other"
        async for _ in answer.deltas:
            pass
    record = watched.record
    assert (record.deployment, record.place, record.cache_use) == ("other", "zai/other", "miss")
    assert [(attempt.deployment, attempt.outcome) for attempt in record.attempts] == [("zai/other", "ok")]


async def test_a_request_keeps_the_catalogue_that_it_began_with() -> None:
    """A new catalogue is for new requests; an answer under way comes to its end."""
    gate = asyncio.Event()
    old, new = FakeEngine([[HELLO, gate, END]]), FakeEngine([[END]])
    watched = around(old)
    async with watched.gateway.generate(call(), chat()) as answer:
        await anext(answer.deltas)
        watched.gateway.catalogue = Catalogue([Deployment(name="new", engine=new, kind="chat")])
        assert await read_all(watched, model="new") == [*END]
        gate.set()
        assert [delta async for deltas in answer.deltas for delta in deltas] == [*END]
    with pytest.raises(ModelNotFound):
        await read_all(watched, model="tiny")


async def test_a_made_up_name_is_recorded_under_its_label() -> None:
    """Until a model has answered, what a caller typed is not what metrics count by."""
    engine = FakeEngine([[]], refusal=EngineFailed("no"))
    watched = around(engine)
    watched.gateway.catalogue = Catalogue(
        [Deployment(name="glm-9-0001", engine=engine, kind="chat", label="zai/other")]
    )
    with pytest.raises(EngineFailed):
        await read_all(watched, model="glm-9-0001")
    assert watched.record.deployment == "zai/other"


@pytest.mark.parametrize(("use", "ending"), [("hit", Ending.CACHE_HIT), ("shared", Ending.COALESCED)])
async def test_an_answer_from_elsewhere_is_named_by_that(use: CacheUse, ending: Ending) -> None:
    """In deltas and without, when it arrived."""
    asked = call()
    watched = around(FakeEngine([[HELLO, END]]))
    async with watched.gateway.generate(asked, chat()) as answer:
        asked.cache_use = use
        async for _ in answer.deltas:
            pass
    await watched.gateway.embed(asked, EmbeddingsRequest(model="mini", input=["a"]))
    assert [record.ending for record in watched.observer.records] == [ending, ending]


async def test_a_request_says_what_it_is_before_anybody_is_asked() -> None:
    """The books need the endpoint and the name that was asked for, and the record who pays what."""
    asked = call()
    asked.charges.append(Charge(usage=Usage(3, 1), amount=5, currency="USD"))
    watched = around(FakeEngine())
    await watched.gateway.rerank(asked, RerankRequest(model="mini", query="q", documents=["d"]))
    assert (asked.endpoint, asked.model) == ("rerank", "mini")
    record = watched.record
    assert (record.uid, record.charges, record.organisation) == (asked.uid, tuple(asked.charges), "default")


async def test_who_watches_sees_how_far_a_request_has_come() -> None:
    """While it is under way, and what was asked as it was let in."""
    watched, asked = around(FakeEngine([[HELLO, END]])), chat()
    async with watched.gateway.generate(call(), asked) as answer:
        (flight,) = watched.observer.flights
        assert (flight.deployment, flight.state) == ("tiny", "queued")
        await anext(answer.deltas)
        assert (flight.state, flight.request) == ("streaming", asked)
