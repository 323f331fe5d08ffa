"""Tests of the engine that is not asked twice: its cache, and calls that equal requests share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.profile import shipped
from glmgate.errors import EngineFailed, Unavailable
from glmgate.policy.cache import AnswerCache, MemoryAnswerCache
from glmgate.routing.adapted import Adapted
from glmgate.routing.cached import Cached
from glmgate.routing.fanout import Fanout
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Caller, Deltas, Engine, Generation
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine, Read, call, text

TEXTS = EmbeddingsRequest(model="m", input=["a", "b"])


def cache(clock: Callable[[], float] | None = None) -> MemoryAnswerCache:
    """A cache with room enough."""
    return MemoryAnswerCache(most_bytes=1 << 20, longest_bytes=1 << 16, clock=clock or FakeClock())


def cached(engine: Engine, held: AnswerCache | None = None, **settings: Any) -> Cached:
    """A cached engine; nothing is switched on but what `settings` says."""
    return Cached(engine, cache=held or cache(), deployment="d", profile_version="1", **settings)


def chat(**members: object) -> ChatRequest:
    """A deterministic request."""
    messages = [{"role": "user", "content": "hello"}]
    return convert({"model": "m", "messages": messages, "temperature": 0} | members, ChatRequest)


async def answered(
    engine: Engine, request: Generation | None = None, asked: Call | None = None
) -> list[tuple[Delta, ...]]:
    """All that an engine answers, read by read."""
    async with engine.stream(asked or call(), request or chat()) as deltas:
        return [read async for read in deltas]


def engine() -> FakeEngine:
    """An engine that says something else at each call."""
    return FakeEngine([text("first", " answer", reasoning="r"), text("second"), text("third"), text("fourth")])


async def test_nothing_is_kept_or_shared_by_default() -> None:
    """Every request has its own call, and nothing is said about a cache."""
    inner, asked = engine(), call()
    chain = cached(inner)
    await asyncio.gather(answered(chain, asked=asked), answered(chain))
    await answered(chain)
    assert (len(inner.requests), asked.cache_use) == (3, None)


@pytest.mark.parametrize("switched", ["by the model", "by the caller"])
async def test_an_equal_request_gets_the_same_answer(switched: str) -> None:
    """Read by read, thoughts and usage included, without a call; what it cost is told."""
    inner = engine()
    chain = cached(inner, cache_on=switched == "by the model")
    first, again = (call(cache=True if switched == "by the caller" else None) for _ in range(2))
    answer = await answered(chain, asked=first)
    assert await answered(chain, asked=again) == answer == inner.scripts[0]
    assert len(inner.requests) == 1
    assert (first.cache_use, again.cache_use) == ("miss", "hit")
    assert (again.deployment, again.attempts) == ("d", [])


async def test_a_caller_may_refuse_the_cache() -> None:
    """With `off` an answer is neither taken from it nor put into it, nor is a call shared."""
    inner, held = engine(), cache()
    chain = cached(inner, held, cache_on=True, coalesce=True)
    refusing = [call(cache=False) for _ in range(2)]
    await asyncio.gather(*(answered(chain, asked=asked) for asked in refusing))
    assert (len(inner.requests), held.size, [asked.cache_use for asked in refusing]) == (2, 0, [None, None])


async def test_a_plain_request_and_a_stream_are_equal() -> None:
    """How an answer travels is no part of it."""
    inner = engine()
    chain = cached(inner, cache_on=True)
    await answered(chain, chat(stream=True, stream_options={"include_usage": True}))
    await answered(chain, chat(stream=False))
    assert len(inner.requests) == 1


async def test_an_answer_is_kept_for_its_time() -> None:
    """Afterwards the engine is asked again."""
    inner, clock = engine(), FakeClock()
    chain = cached(inner, cache(clock), cache_on=True, ttl_s=60)
    for seconds in (0, 59, 1):
        clock.advance(seconds)
        await answered(chain)
    assert len(inner.requests) == 2


@pytest.mark.parametrize(
    "script",
    [
        text("a", finish="sensitive"),
        text("a", finish="network_error"),
        [(Delta(content="a"),)],
        text("x" * (9 << 16)),
    ],
    ids=["filtered", "broken", "without an end", "too long"],
)
async def test_what_is_not_whole_is_not_kept(script: list[Read]) -> None:
    """Nor what is too long."""
    held = cache()
    await answered(cached(FakeEngine([script]), held, cache_on=True))
    assert held.size == 0


async def test_an_answer_that_failed_or_was_left_is_not_kept() -> None:
    """The next request begins anew."""
    held = cache()
    inner = FakeEngine([[(Delta(content="a"),), EngineFailed("broke")], text("b", "c")])
    chain = cached(inner, held, cache_on=True)
    with pytest.raises(EngineFailed):
        await answered(chain)
    async with chain.stream(call(), chat()) as deltas:
        await anext(deltas)
    assert (held.size, inner.open, inner.left) == (0, 0, 2)


async def test_choices_of_one_answer_stay_different() -> None:
    """Three choices that are sampled are three answers, and the same three the next time."""
    inner = engine()
    chain = Fanout(cached(inner, cache_on=True, coalesce=True))

    async def contents() -> list[str]:
        said: dict[int, str] = {}
        for read in await answered(chain, chat(n=3, temperature=1)):
            for delta in read:
                said[delta.choice] = said.get(delta.choice, "") + (delta.content or "")
        return [said[choice] for choice in range(3)]

    assert await contents() == ["first answer", "second", "third"]
    assert await contents() == ["first answer", "second", "third"]
    assert len(inner.requests) == 3


async def test_another_project_has_its_own_answers() -> None:
    """Neither kept nor shared across."""
    inner = engine()
    chain = cached(inner, cache_on=True, coalesce=True)
    callers = [Caller("k", project="p"), Caller("k", project="q"), Caller("k", organisation="o", project="p")]
    await asyncio.gather(*(answered(chain, asked=call(caller=caller)) for caller in callers))
    assert len(inner.requests) == 3


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()), min_size=1, max_size=12))
async def test_answers_never_cross_projects(asks: list[tuple[int, int, bool]]) -> None:
    """Whoever asks what in whatever order, at once or one after the other: each project sees its own answers only."""

    class Telling(FakeEngine):
        """An engine that looks at who asks, as no real one does."""

        def stream(self, asked: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
            """Answer with the project's name."""
            return FakeEngine([text(f"for {asked.caller.project}")]).stream(asked, request)

    chain = cached(Telling(), cache_on=True, coalesce=True)
    waiting: list[tuple[str, asyncio.Task[list[tuple[Delta, ...]]]]] = []
    for number, question, at_once in asks:
        asked = call(caller=Caller("k", project=f"p{number}"))
        waiting.append((f"p{number}", asyncio.create_task(answered(chain, chat(seed=question), asked))))
        if not at_once:
            await asyncio.wait([task for _, task in waiting])
    for project, task in waiting:
        assert "".join(delta.content or "" for read in await task for delta in read) == f"for {project}"


async def test_a_broken_cache_fails_no_request(caplog: pytest.LogCaptureFixture) -> None:
    """Neither when it is asked, nor when it is to keep, nor with what it gives."""

    class Broken(MemoryAnswerCache):
        """A cache behind which nothing is, and then nonsense."""

        async def find(self, key: str) -> bytes | None:
            """Fail at first."""
            if not caplog.records:
                raise Unavailable("gone")
            return b"nonsense"

        async def keep(self, key: str, answer: bytes, *, ttl_s: float) -> None:
            """Fail."""
            raise Unavailable("gone")

    chain = cached(engine(), Broken(most_bytes=1, longest_bytes=1 << 16), cache_on=True)
    assert await answered(chain) == engine().scripts[0]
    assert await answered(chain) == engine().scripts[1]
    assert [record.message for record in caplog.records] == [
        "the cache of 'd' could not be read: Unavailable",
        "an answer of 'd' could not be cached: Unavailable",
        "the cache of 'd' could not be read: ValidationError",
        "an answer of 'd' could not be cached: Unavailable",
    ]


async def test_equal_requests_in_flight_share_a_call() -> None:
    """Each has its own call, and says what it cost; nothing is kept, so the next one asks again."""
    inner = engine()
    chain = cached(inner, coalesce=True)
    asking = [call(request_id=str(number)) for number in range(3)]
    answers = await asyncio.gather(*(answered(chain, asked=asked) for asked in asking))
    assert answers == [inner.scripts[0]] * 3
    assert [asked.cache_use for asked in asking] == ["miss", "shared", "shared"]
    assert len(inner.requests) == 1
    await answered(chain)
    assert len(inner.requests) == 2


@pytest.mark.parametrize("members", [{"temperature": 0.5}, {"temperature": None}, {"temperature": 1, "seed": 1}])
async def test_sampled_requests_share_no_call(members: dict[str, Any]) -> None:
    """Whoever samples wants an answer of their own."""
    inner = engine()
    chain = cached(inner, coalesce=True)
    await asyncio.gather(*(answered(chain, chat(**members)) for _ in range(2)))
    assert len(inner.requests) == 2


async def test_a_shared_answer_is_kept_once() -> None:
    """With both switched on, the first request of each time asks."""
    inner, held = engine(), cache()
    chain = cached(inner, held, coalesce=True, cache_on=True)
    await asyncio.gather(*(answered(chain) for _ in range(3)))
    asked = call()
    assert await answered(chain, asked=asked) == inner.scripts[0]
    assert (len(inner.requests), asked.cache_use) == (1, "hit")


async def test_the_last_reader_that_leaves_closes_the_call() -> None:
    """At once; and the next request has a new one."""
    never = asyncio.Event()
    inner = FakeEngine([[(Delta(content="a"),), never], text("b")])
    chain = cached(inner, coalesce=True)
    async with chain.stream(call(), chat()) as one:
        async with chain.stream(call(), chat()) as two:
            await anext(two)
        assert inner.open == 1
        await anext(one)
    assert (inner.open, inner.left) == (0, 1)
    assert await answered(chain) == text("b")


async def test_a_failure_of_a_shared_call_is_everybodys() -> None:
    """And is forgotten with it."""
    inner = FakeEngine([text("a")], refusal=Unavailable("loading"))
    chain = cached(inner, coalesce=True)
    endings = await asyncio.gather(*(answered(chain) for _ in range(2)), return_exceptions=True)
    assert [str(ending) for ending in endings] == ["loading"] * 2
    inner.refusal = None
    assert await answered(chain) == text("a")


class Embedder(FakeEngine):
    """An engine whose vectors come when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()
        self.cancelled = 0

    async def embed(self, asked: Call, request: EmbeddingsRequest) -> Embeddings:
        """Wait, then embed."""
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await super().embed(asked, request)


async def test_equal_embeddings_are_kept() -> None:
    """With the tokens they had; by the model's setting or the caller's."""
    inner = FakeEngine()
    chain = cached(inner)
    first, again = call(cache=True), call(cache=True)
    assert await chain.embed(first, TEXTS) == await chain.embed(again, TEXTS)
    assert (len(inner.embedded), first.cache_use, again.cache_use) == (1, "miss", "hit")
    await chain.embed(call(), TEXTS)
    assert len(inner.embedded) == 2


@pytest.mark.parametrize("keeps", [True, False])
async def test_equal_embeddings_in_flight_share_a_call(keeps: bool) -> None:
    """Only while it is in flight, unless it is kept as well."""
    inner = Embedder()
    chain = cached(inner, coalesce=True, cache_on=keeps)
    asking = [call() for _ in range(3)]
    waiting = [asyncio.create_task(chain.embed(asked, TEXTS)) for asked in asking]
    await asyncio.sleep(0.01)
    inner.may.set()
    assert len(set(await asyncio.gather(*waiting))) == 1
    assert [asked.cache_use for asked in asking] == ["miss", "shared", "shared"]
    await asyncio.sleep(0)
    await chain.embed(call(), TEXTS)
    assert len(inner.embedded) == (1 if keeps else 2)


async def test_embeddings_that_nobody_waits_for_are_cancelled() -> None:
    """When the last of them leaves, and not before."""
    inner = Embedder()
    chain = cached(inner, coalesce=True)
    one, two = (asyncio.create_task(chain.embed(call(), TEXTS)) for _ in range(2))
    await asyncio.sleep(0.01)
    one.cancel()
    await asyncio.sleep(0.01)
    assert inner.cancelled == 0
    two.cancel()
    await asyncio.wait((one, two))
    assert inner.cancelled == 1
    inner.may.set()
    await chain.embed(call(), TEXTS)
    assert len(inner.embedded) == 1


async def test_counting_goes_through() -> None:
    """It is quick, and nobody pays for it."""
    inner = FakeEngine()
    await cached(inner, cache_on=True, coalesce=True).count(call(cache=True), TokenizerRequest(model="m", messages=[]))
    assert len(inner.counted) == 1


async def test_a_cached_answer_is_adapted_like_any_other() -> None:
    """What is kept is the answer before it is adapted back: each caller gets their own form of it."""
    inner = FakeEngine([text("one two STOP three")])
    profile = shipped("embedded")
    chain = Adapted(cached(inner, cache_on=True), profile)
    seen = [
        "".join(delta.content or "" for read in await answered(chain, chat(stop=stop)) for delta in read)
        for stop in ("STOP", "two", None)
    ]
    assert seen[:2] == ["one two ", "one "]
    assert seen[2] == "one two STOP three"


async def test_an_answer_of_several_calls_is_a_hit_when_all_of_them_are() -> None:
    """One call that was dear makes the answer dear."""
    inner = engine()
    chain = Fanout(cached(inner, cache_on=True), at_once=1)
    asking = [call() for _ in range(3)]
    for asked, choices in zip(asking, (1, 2, 2), strict=True):
        await answered(chain, chat(n=choices, temperature=1), asked)
    assert [asked.cache_use for asked in asking] == ["miss", "miss", "hit"]


async def test_usage_is_what_the_answer_had() -> None:
    """A hit costs nothing, but shows what its answer took; that it is one, the header says."""
    chain = cached(engine(), cache_on=True)
    usages = [[delta.usage for read in await answered(chain) for delta in read if delta.usage][-1] for _ in range(2)]
    assert usages == [Usage(5, 3)] * 2
