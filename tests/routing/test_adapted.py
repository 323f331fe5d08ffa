"""The driver of adaptation: what it asks the engine, when it leaves, and what it reports."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from glmgate.adaptation.profile import Profile, shipped
from glmgate.adaptation.wordpiece import Vocabulary, WordPiece
from glmgate.errors import ContextLengthExceeded, EngineFailed, InvalidRequest, Unavailable, UnsupportedValue
from glmgate.routing.adapted import Adapted
from glmgate.routing.failover import Candidate, Failover
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Note
from glmgate.wire.fold import Completion, Fold
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine, asks_json, call, calls, text

BARE: Profile = shipped("embedded")
PROFILE: Profile = BARE.for_model(guarded=("<think>",), context_length=4096, dimensions=2)
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
TIME = {"type": "function", "function": {"name": "get_time"}}


def chat(**members: object) -> ChatRequest:
    """A chat request."""
    body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    return convert(body | members, ChatRequest)


async def answer(engine: FakeEngine, request: Generation, asked: Call | None = None) -> Completion:
    """The whole answer that comes through."""
    fold = Fold()
    async with Adapted(engine, PROFILE).stream(asked or call(), request) as deltas:
        async for read in deltas:
            for delta in read:
                fold.feed(delta)
    return fold.result()


async def test_the_engine_gets_the_fitted_request() -> None:
    """And the call's report says what was changed."""
    engine = FakeEngine([text("Hi")])
    asked = call()
    completion = await answer(engine, chat(max_completion_tokens=5, stop="x"), asked)
    assert completion.choices[0].content == "Hi"
    assert isinstance(engine.requests[0], ChatRequest)
    assert (engine.requests[0].max_tokens, engine.requests[0].stop) == (5, None)
    assert [str(note) for note in asked.notes] == ["max_completion_tokens=max_tokens", "stop=emulated"]


async def test_a_stop_string_leaves_the_engine_at_once() -> None:
    """The inner context is closed before the caller reads on, whatever is still to come."""
    never = asyncio.Event()
    engine = FakeEngine([[(Delta(content="one. two", usage=Usage(5, 4)),), never]])
    async with Adapted(engine, PROFILE).stream(call(), chat(stop=".")) as deltas:
        read = await anext(deltas)
        assert engine.open == 0
        assert engine.left == 1
        assert read == (Delta(content="one", finish_reason="stop", usage=Usage(5, 4)),)
        assert await anext(deltas, None) is None


async def test_an_answer_that_is_left_early_still_costs_something() -> None:
    """A service that tells its usage at the end has not told it yet: it is estimated, and the report says so."""
    engine = FakeEngine(
        [[(Delta(reasoning="So"),), (Delta(content="one "),), (Delta(content="two."),), asyncio.Event()]]
    )
    asked = call()
    completion = await answer(engine, chat(stop="."), asked)
    assert (completion.usage.completion, completion.usage.reasoning) == (3, 1)
    assert completion.usage.prompt > 0
    assert [str(note) for note in asked.notes] == ["stop=emulated", "usage=estimated"]


async def test_leaving_closes_the_engine_at_once() -> None:
    """Wherever the answer stands."""
    engine = FakeEngine([[(Delta(content="a"),), asyncio.Event()]])
    async with Adapted(engine, PROFILE).stream(call(), chat()) as deltas:
        await anext(deltas)
        assert engine.open == 1
    assert engine.open == 0


async def test_cancelling_closes_the_engine() -> None:
    """A caller that is cancelled while it waits leaves nothing behind."""
    engine = FakeEngine([[(Delta(content="a"),), asyncio.Event()]])
    task = asyncio.create_task(answer(engine, chat()))
    await asyncio.sleep(0.01)
    assert engine.open == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.open == 0


async def test_a_forced_call_that_the_model_makes_is_one_call() -> None:
    """The engine is asked once."""
    engine = FakeEngine([calls(("get_weather", '{"city":"Beijing"}'))])
    completion = await answer(engine, chat(tools=[WEATHER], tool_choice="required"))
    assert len(engine.requests) == 1
    assert completion.choices[0].calls[0].arguments == '{"city":"Beijing"}'


@pytest.mark.parametrize("tools", [[WEATHER], [WEATHER, TIME]])
async def test_a_forced_call_that_the_model_does_not_make_is_made(tools: list[dict[str, object]]) -> None:
    """Reasoning comes through, prose does not; the first stream is left, and the tokens of both are summed."""
    arguments = '{"city": "Beijing"}'
    constrained = (
        arguments if len(tools) == 1 else json.dumps({"name": "get_weather", "arguments": json.loads(arguments)})
    )
    engine = FakeEngine([text("Sure", ", here", reasoning="Hm"), text(*constrained)])
    completion = await answer(engine, chat(tools=tools, tool_choice="required"))
    (choice,) = completion.choices
    assert [(each.name, json.loads(each.arguments)) for each in choice.calls] == [("get_weather", {"city": "Beijing"})]
    assert (choice.reasoning, choice.content, choice.finish_reason) == ("Hm", "", "tool_calls")
    assert [asks_json(request) for request in engine.requests] == [False, True]
    assert (engine.left, engine.most_open) == (1, 1)
    assert completion.usage == Usage(10, 1 + len(constrained) + 1)


async def test_a_format_beside_tools_is_made_by_a_second_call() -> None:
    """Where the model speaks instead of calling."""
    engine = FakeEngine([text("Well"), text('{"a":', "1}")])
    completion = await answer(engine, chat(tools=[WEATHER], response_format={"type": "json_object"}))
    assert completion.choices[0].content == '{"a":1}'
    assert completion.choices[0].finish_reason == "stop"


async def test_what_was_held_leaves_when_the_stream_breaks_off() -> None:
    """An engine that ends without a finish reason loses no text."""
    engine = FakeEngine([[(Delta(content="a <"),)]])
    assert (await answer(engine, chat())).choices[0].content == "a <"


async def test_failures_go_through() -> None:
    """Before the first delta and after it; the engine is closed in both cases."""
    refusing = FakeEngine([[]], refusal=Unavailable("loading"))
    failing = FakeEngine([[(Delta(content="a"),), EngineFailed("broke")]])
    with pytest.raises(Unavailable):
        await answer(refusing, chat())
    with pytest.raises(EngineFailed):
        await answer(failing, chat())
    assert (refusing.open, failing.open) == (0, 0)


async def test_the_second_call_may_be_refused() -> None:
    """Then nothing of the first is open."""
    engine = FakeEngine([text("Sure")])

    def refuse(request: Generation) -> list[tuple[Delta, ...] | Exception | asyncio.Event]:
        raise Unavailable("restarting")

    engine.scripts = [*engine.scripts, refuse]
    with pytest.raises(Unavailable):
        await answer(engine, chat(tools=[WEATHER], tool_choice="required"))
    assert engine.open == 0


@pytest.mark.parametrize("how", ["call", "body"])
async def test_a_strict_call_is_refused_before_the_engine_is_asked(how: str) -> None:
    """Whether the header or the body said so."""
    engine = FakeEngine([text("Hi")])
    request = chat(reasoning_effort="low", glmgate={"strict": how == "body"})
    with pytest.raises(InvalidRequest) as raised:
        await answer(engine, request, call(strict=how == "call"))
    assert raised.value.param == "reasoning_effort"
    assert engine.requests == []


async def test_a_strict_call_is_refused_for_a_stand_in() -> None:
    """What was changed before the request came here counts too."""
    asked = call(strict=True, notes=[Note("model", "glm-4->other", exact=False)])
    with pytest.raises(InvalidRequest) as raised:
        await answer(FakeEngine([text("Hi")]), chat(), asked)
    assert raised.value.param == "model"


async def test_a_bad_request_does_not_reach_the_engine() -> None:
    """It is refused when the stream is entered."""
    engine = FakeEngine([text("Hi")])
    with pytest.raises(InvalidRequest):
        await answer(engine, chat(temperature=9))
    assert engine.requests == []


@pytest.mark.parametrize(("dimensions", "vector"), [(None, (0.6, 0.8)), (2, (0.6, 0.8)), (4, (0.6, 0.8, 0.0, 0.0))])
async def test_vectors_get_the_size_that_is_asked_for(dimensions: int | None, vector: tuple[float, ...]) -> None:
    """The engine is asked for its own."""
    engine = FakeEngine()
    asked = call()
    request = EmbeddingsRequest(model="m", input="<think>", dimensions=dimensions)
    embeddings = await Adapted(engine, PROFILE).embed(asked, request)
    assert embeddings.vectors == (vector,)
    assert engine.embedded[0].dimensions is None
    assert engine.embedded[0].input == ["<\u2060think>"]
    assert ("dimensions=2->4" in [str(note) for note in asked.notes]) == (dimensions == 4)


READER = WordPiece(Vocabulary(words={"a": 5}, rests={}, unknown=0, first=1, last=2), window=4)


async def test_a_reader_makes_token_ids_of_the_texts() -> None:
    """Long ones in pieces, whose vectors become one; that is reported."""
    engine = FakeEngine()
    asked = call()
    request = EmbeddingsRequest(model="m", input=["a a a", "a"])
    embeddings = await Adapted(engine, BARE, reader=lambda: READER).embed(asked, request)
    assert engine.embedded[0].input == [[1, 5, 5, 2], [1, 5, 2], [1, 5, 2]]
    assert [len(vector) for vector in embeddings.vectors] == [2, 2]
    assert embeddings.vectors[0] == pytest.approx(engine.vector)
    assert [str(note) for note in asked.notes] == ["input=chunked"]


@pytest.mark.parametrize("members", [{}, {"glmgate": {"strict": True}}])
async def test_a_strict_call_is_not_cut(members: dict[str, Any]) -> None:
    """Whether the header or the body says so."""
    engine = FakeEngine()
    request = convert({"model": "m", "input": "a a a", **members}, EmbeddingsRequest)
    with pytest.raises(ContextLengthExceeded):
        await Adapted(engine, BARE, reader=lambda: READER).embed(call(strict=not members), request)
    assert engine.embedded == []


async def test_many_vectors_do_not_block_the_others() -> None:
    """Between some of them others get their turn."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    request = EmbeddingsRequest(model="m", input=["a"] * 320, dimensions=1)
    vectors = (await Adapted(FakeEngine(), PROFILE).embed(call(), request)).vectors
    task.cancel()
    assert [len(vector) for vector in vectors] == [1] * 320
    assert turns >= 10


async def test_what_is_counted_is_what_would_be_sent() -> None:
    """Roles and special tokens included."""
    engine = FakeEngine()
    document = {
        "model": "m",
        "messages": [{"role": "developer", "content": "<think>"}, {"role": "user", "content": "a"}],
    }
    assert await Adapted(engine, PROFILE).count(call(), convert(document, TokenizerRequest)) == 2
    assert [(each.role, each.content) for each in engine.counted[0].messages] == [
        ("system", "<\u2060think>"),
        ("user", "a"),
    ]


FORM = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "required": ["a"]}}}
GLM = shipped("zai").for_family("glm-4.6")


async def _read_into(seen: list[Delta], engine: FakeEngine) -> None:
    """Ask for a form, and keep what comes."""
    async with Adapted(engine, GLM).stream(call(), chat(response_format=FORM)) as deltas:
        async for read in deltas:
            seen.extend(read)


async def test_row_r1_repairs_are_calls_one_after_the_other() -> None:
    """Contract row R1: each closes before the next is opened; their tokens are summed, and the report tells."""
    engine = FakeEngine([text("No.", reasoning="Hm."), text('{"b": 1}'), text('{"a": 1}')])
    asked = call()
    fold = Fold()
    async with Adapted(engine, GLM).stream(asked, chat(response_format=FORM)) as deltas:
        async for read in deltas:
            for delta in read:
                fold.feed(delta)
    (choice,) = fold.result().choices
    assert (choice.reasoning, choice.content) == ("Hm.", '{"a": 1}')
    assert (len(engine.requests), engine.most_open, engine.open) == (3, 1, 0)
    assert fold.usage == Usage(15, 6)
    assert [str(note) for note in asked.notes] == ["response_format=emulated", "response_format=repaired"]


async def test_row_r1_the_last_failure_leaves_nothing_open() -> None:
    """Contract row R1: an error, and no prose has left."""
    engine = FakeEngine([text("No.")])
    seen: list[Delta] = []
    with pytest.raises(UnsupportedValue):
        await _read_into(seen, engine)
    assert (len(engine.requests), engine.open) == (3, 0)
    assert not any(delta.content for delta in seen)


async def test_row_r1_whoever_leaves_during_a_repair_closes_it() -> None:
    """Contract row R1: nothing goes on behind a client that has gone."""
    engine = FakeEngine([text("No.", reasoning="Hm."), [asyncio.Event()]])
    seen: list[Delta] = []
    reading = asyncio.create_task(_read_into(seen, engine))
    await asyncio.sleep(0.01)
    assert (seen[0].reasoning, len(engine.requests), engine.open) == ("Hm.", 2, 1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert engine.open == 0


async def test_row_l1_a_prompt_is_answered_by_a_chat() -> None:
    """Contract row L1: the engine gets a chat request."""
    engine = FakeEngine([text("upon a time")])
    request = convert({"model": "m", "prompt": "Once "}, CompletionRequest)
    fold = Fold()
    async with Adapted(engine, GLM).stream(call(), request) as deltas:
        async for read in deltas:
            for delta in read:
                fold.feed(delta)
    assert fold.result().choices[0].content == "upon a time"
    assert isinstance(engine.requests[0], ChatRequest)


@pytest.mark.parametrize(
    ("profile", "asked_for", "vector", "report"),
    [
        (GLM, 256, (1.0,), ["dimensions=256->1"]),
        (shipped("openai"), 1, (1.0,), ["dimensions=2->1"]),
    ],
)
async def test_row_e3_vectors_are_cut_as_services_do(
    profile: Profile, asked_for: int, vector: tuple[float, ...], report: list[str]
) -> None:
    """Contract row E3: the beginning of the next larger size, in length one; also where a size was ignored."""
    engine = FakeEngine()
    asked = call()
    request = EmbeddingsRequest(model="m", input="a", dimensions=1)
    embeddings = await Adapted(engine, profile).embed(asked, request)
    assert (engine.embedded[0].dimensions, embeddings.vectors) == (asked_for, (vector,))
    assert [str(note) for note in asked.notes] == report


async def test_row_e3_a_strict_call_gets_no_other_size() -> None:
    """Contract row E3: found out before or after the service was asked."""
    for profile in (GLM, shipped("openai")):
        with pytest.raises(InvalidRequest) as raised:
            await Adapted(FakeEngine(), profile).embed(
                call(strict=True), EmbeddingsRequest(model="m", input="a", dimensions=1)
            )
        assert raised.value.param == "dimensions"


async def test_row_e3_more_texts_than_the_service_takes() -> None:
    """Contract row E3: several calls, one answer."""
    engine = FakeEngine()
    embeddings = await Adapted(engine, GLM).embed(call(), EmbeddingsRequest(model="m", input=["a"] * 150))
    assert sorted(len(request.input) for request in engine.embedded) == [22, 64, 64]
    assert (len(embeddings.vectors), embeddings.prompt_tokens) == (150, 150)


async def test_row_c1_a_service_that_does_not_call_is_followed_by_the_next() -> None:
    """Contract row C1: as long as nothing has left, another deployment may do better."""
    talker, caller = FakeEngine([text("Prose.")]), FakeEngine([calls(("get_weather", "{}"))])
    route = Failover(
        [
            Candidate("one/m", "one", Adapted(talker, GLM), priority=0),
            Candidate("two/m", "two", Adapted(caller, GLM), priority=1),
        ]
    )
    asked = call()
    fold = Fold()
    async with route.stream(asked, chat(tools=[WEATHER], tool_choice="required")) as deltas:
        async for read in deltas:
            for delta in read:
                fold.feed(delta)
    assert [each.name for each in fold.result().choices[0].calls] == ["get_weather"]
    assert (len(talker.requests), len(caller.requests), asked.answered_by) == (2, 1, "two")
