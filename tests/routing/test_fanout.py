"""Several choices by several calls: merged as they arrive, failing together, leaving nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from glmgate.errors import CapacityExceeded, EngineFailed, InvalidRequest
from glmgate.routing.fanout import Fanout
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Generation
from glmgate.wire.fold import Completion, Fold
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine, Read, call, text


def chat(**members: object) -> ChatRequest:
    """A chat request."""
    body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    return convert(body | members, ChatRequest)


async def answer(engine: FakeEngine, request: Generation, *, most: int = 128) -> Completion:
    """The whole answer."""
    fold = Fold()
    async with Fanout(engine, most=most).stream(call(), request) as deltas:
        async for read in deltas:
            for delta in read:
                fold.feed(delta)
    return fold.result()


def by_seed(request: Generation) -> Sequence[Read]:
    """Says the seed that it was asked with."""
    return text(str(request.seed))


@pytest.mark.parametrize("n", [None, 1])
async def test_one_choice_is_the_engines_own_answer(n: int | None) -> None:
    """Without a task or a queue in between."""
    engine = FakeEngine([text("Hi")])
    completion = await answer(engine, chat(n=n))
    assert [choice.content for choice in completion.choices] == ["Hi"]
    assert engine.requests[0].n is None


async def test_each_choice_has_its_own_call_and_seed() -> None:
    """Equal seeds would give equal choices; the tokens of all are summed."""
    engine = FakeEngine([by_seed])
    completion = await answer(engine, chat(n=3, seed=7))
    assert [(choice.index, choice.content) for choice in completion.choices] == [(0, "7"), (1, "8"), (2, "9")]
    assert [request.n for request in engine.requests] == [None] * 3
    assert completion.usage == Usage(15, 6)
    assert engine.most_open == 3


async def test_choices_come_as_they_arrive() -> None:
    """One that waits does not hold up the others."""
    gate = asyncio.Event()
    engine = FakeEngine([[gate, (Delta(content="slow", finish_reason="stop"),)], text("quick")])
    seen = []
    async with Fanout(engine).stream(call(), chat(n=2)) as deltas:
        async for read in deltas:
            seen += [delta.choice for delta in read]
            if len(seen) == 2:
                gate.set()
    assert seen == [1, 1, 0]


async def test_more_choices_than_the_engine_takes_at_once_are_all_answered() -> None:
    """All at once they would fill an engine's queue, and never be answered."""
    engine = FakeEngine([by_seed])
    completion = await answer(engine, chat(n=100, seed=0))
    assert [choice.content for choice in completion.choices] == [str(seed) for seed in range(100)]
    assert engine.most_open == 16


async def test_one_that_fails_fails_all() -> None:
    """Nobody gets half of the choices as if they were all; the other calls are closed."""
    engine = FakeEngine([[asyncio.Event()], [CapacityExceeded("full")]])
    with pytest.raises(CapacityExceeded):
        await answer(engine, chat(n=2))
    assert engine.open == 0


async def test_one_that_fails_later_fails_all() -> None:
    """Also when deltas have left."""
    engine = FakeEngine([[(Delta(content="a"),), asyncio.Event()], [(Delta(content="b"),), EngineFailed("broke")]])
    with pytest.raises(EngineFailed):
        await answer(engine, chat(n=2))
    assert engine.open == 0


async def test_leaving_closes_all_and_leaves_no_task() -> None:
    """At once, however many are running."""
    before = asyncio.all_tasks()
    engine = FakeEngine([[(Delta(content="a"),), asyncio.Event()]])
    async with Fanout(engine).stream(call(), chat(n=5)) as deltas:
        await anext(deltas)
        assert asyncio.all_tasks() != before
    assert engine.open == 0
    assert asyncio.all_tasks() == before


async def test_a_slow_reader_holds_the_calls_back() -> None:
    """What is read ahead is bounded."""
    engine = FakeEngine([[(Delta(content=str(number)),) for number in range(1000)]])
    async with Fanout(engine).stream(call(), chat(n=2)) as deltas:
        await anext(deltas)
        for _ in range(500):
            await asyncio.sleep(0)
        assert engine.open == 2
    assert engine.left == 2


@pytest.mark.parametrize("n", [0, -1, 129])
async def test_n_has_a_range(n: int) -> None:
    """Refused before any call is made."""
    engine = FakeEngine([text("Hi")])
    with pytest.raises(InvalidRequest) as raised:
        await answer(engine, chat(n=n))
    assert raised.value.param == "n"
    assert engine.requests == []


async def test_each_prompt_has_its_choices() -> None:
    """Of prompt p and choice c of n the index is p times n plus c, as documented for completions."""
    engine = FakeEngine([lambda request: text(f"{getattr(request, 'prompt', None)}{request.seed}")])
    request = convert({"model": "m", "prompt": ["a", "b"], "n": 2, "seed": 1, "best_of": 2}, CompletionRequest)
    completion = await answer(engine, request)
    assert [choice.content for choice in completion.choices] == ["a1", "a2", "b1", "b2"]
    assert all(getattr(sent, "best_of", None) is None for sent in engine.requests)


async def test_prompts_times_choices_are_bounded() -> None:
    """Not only each of them."""
    request = convert({"model": "m", "prompt": ["a", "b", "c"], "n": 2}, CompletionRequest)
    with pytest.raises(InvalidRequest) as raised:
        await answer(FakeEngine([text("Hi")]), request, most=5)
    assert raised.value.param == "prompt"


@pytest.mark.parametrize("prompt", [[1, 2], [[1]], [], None, "a"])
async def test_other_prompts_are_left_to_the_rules(prompt: object) -> None:
    """They say what is wrong with them."""
    engine = FakeEngine([text("Hi")])
    await answer(engine, convert({"model": "m", "prompt": prompt}, CompletionRequest))
    assert [getattr(sent, "prompt", 0) for sent in engine.requests] == [prompt]


async def test_the_rest_is_the_engines() -> None:
    """Embeddings and counting have no choices."""
    engine = FakeEngine()
    fanout = Fanout(engine)
    await fanout.embed(call(), EmbeddingsRequest(model="m", input=["a"]))
    await fanout.count(call(), TokenizerRequest(model="m", messages=[]))
    assert (len(engine.embedded), len(engine.counted)) == (1, 1)
