"""The embedded engine with real children: what it answers, what it counts, what it refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import ContextLengthExceeded, GlmgateError, InvalidRequest, UnsupportedValue
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Engine
from glmgate.wire.fold import Fold
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.engines.embedded.asking import CALL, answer, chat, supervised

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
SILENT = {"enable_thinking": False}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def supervisor() -> AsyncIterator[Supervisor]:
    """One for all tests of the module."""
    async with supervised(context=1024) as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def engine(supervisor: Supervisor, shipped_chat: LocalModel) -> EmbeddedEngine:
    """The shipped chat model."""
    return EmbeddedEngine(shipped_chat, supervisor)


@pytest.fixture(scope="module")
def embedder(supervisor: Supervisor, shipped_embedding: LocalModel) -> EmbeddedEngine:
    """The shipped embedding model."""
    return EmbeddedEngine(shipped_embedding, supervisor)


async def deltas(engine: Engine, request: Any) -> list[Delta]:
    """All deltas of an answer."""
    async with engine.stream(CALL, request) as stream:
        return [delta async for some in stream for delta in some]


async def refusal(engine: Engine, **members: Any) -> GlmgateError:
    """The error that a request meets before its first delta."""
    with pytest.raises(GlmgateError) as caught:
        async with engine.stream(CALL, chat(**members)):
            pass
    return caught.value


async def test_it_is_an_engine(engine: EmbeddedEngine) -> None:
    """By type and by behaviour: text comes, and an end."""
    answering: Engine = engine
    completion = await answer(answering, chat())
    (choice,) = completion.choices
    assert choice.content
    assert choice.finish_reason == "stop"
    assert completion.usage.prompt > 0
    assert completion.usage.completion > 0


async def test_no_special_token_is_in_the_text(engine: EmbeddedEngine) -> None:
    """Not the one that ends the turn either."""
    (choice,) = (await answer(engine, chat())).choices
    assert "<|" not in choice.content
    assert "<think>" not in choice.content


async def test_thinking_is_apart_and_counted(engine: EmbeddedEngine) -> None:
    """As reasoning, and only where it is wanted."""
    thought = (await answer(engine, chat(seed=1))).usage
    silent = await answer(engine, chat(seed=1, chat_template_kwargs=SILENT))
    assert 0 < thought.reasoning < thought.completion
    assert silent.choices[0].reasoning is None
    assert silent.usage.reasoning == 0


async def test_a_prompt_seen_before_is_counted_as_cached(engine: EmbeddedEngine) -> None:
    """And still as part of the prompt."""
    text = "Tell me a story about a fox and a long winter."
    first = (await answer(engine, chat(text, max_tokens=1))).usage
    second = (await answer(engine, chat(text, max_tokens=1))).usage
    assert second.prompt == first.prompt
    assert 0 < second.cached < second.prompt


async def test_the_same_seed_gives_the_same_answer(engine: EmbeddedEngine) -> None:
    """And another one another, at a temperature that lets it."""
    contents = [
        (
            await answer(engine, chat("Write a poem about the sea and the moon", seed=seed, temperature=2, top_p=1))
        ).choices[0]
        for seed in (7, 7, 8)
    ]
    assert contents[0] == contents[1] != contents[2]


async def test_the_length_asked_for_is_kept(engine: EmbeddedEngine) -> None:
    """With the reason, and counted."""
    completion = await answer(engine, chat("Tell me a story.", max_tokens=3))
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion == 3


async def test_a_stop_string_ends_the_answer_before_it(engine: EmbeddedEngine) -> None:
    """Wherever the tokens are cut."""
    asked: dict[str, Any] = {"seed": 3, "chat_template_kwargs": SILENT}
    whole = (await answer(engine, chat(**asked))).choices[0].content
    stop = whole[3:6]
    cut = (await answer(engine, chat(**asked, stop=[stop]))).choices[0]
    assert cut.content == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


async def test_a_call_comes_with_an_id_of_ours_its_name_and_its_arguments(engine: EmbeddedEngine) -> None:
    """In pieces that fold to JSON; the end says that there is a call."""
    got = await deltas(engine, chat("What is the weather in Beijing?", tools=[WEATHER], tool_choice="required", seed=1))
    pieces = [piece for delta in got for piece in delta.tool_calls]
    assert pieces[0].id is not None
    assert pieces[0].id.startswith("call_")
    assert [piece.name for piece in pieces if piece.name] == ["get_weather"]
    assert "".join(piece.arguments for piece in pieces).startswith('{"city":"')
    assert got[-1].finish_reason == "tool_calls"


async def test_json_of_a_schema_is_written(engine: EmbeddedEngine) -> None:
    """The grammar forces it, whatever the model would like to say."""
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    completion = await answer(
        engine, chat("Anna is 3 years old.", response_format=form, chat_template_kwargs=SILENT, seed=1)
    )
    person = json.loads(completion.choices[0].content)
    assert set(person) == {"name", "age"}
    assert isinstance(person["age"], int)


@pytest.mark.parametrize(("asked", "expected"), [(None, 0), (0, 0), (2, 2)])
async def test_logprobs_are_given_as_asked(engine: EmbeddedEngine, asked: int | None, expected: int) -> None:
    """One entry for each token, each with so many alternatives."""
    completion = await answer(
        engine, chat(logprobs=True, top_logprobs=asked, max_tokens=4, chat_template_kwargs=SILENT)
    )
    logprobs = completion.choices[0].logprobs
    assert logprobs is not None
    assert 1 <= len(logprobs["content"]) <= 4
    assert all(len(entry["top_logprobs"]) == expected for entry in logprobs["content"])
    assert all(entry.keys() == {"token", "bytes", "logprob", "top_logprobs"} for entry in logprobs["content"])


async def test_a_completion_goes_on_with_its_prompt(engine: EmbeddedEngine) -> None:
    """As it is, without the chat's template."""
    request = convert({"model": "m", "prompt": "Once upon", "max_tokens": 5, "logprobs": 1}, CompletionRequest)
    fold = Fold()
    for delta in await deltas(engine, request):
        fold.feed(delta)
    (choice,) = fold.result().choices
    assert choice.finish_reason == "length"
    assert fold.usage.completion == 5
    assert choice.logprobs is not None


async def test_the_rendered_prompt_can_be_seen(engine: EmbeddedEngine) -> None:
    """As the template makes it, tools included."""
    prompt = await engine.render(chat("Hi there", tools=[WEATHER]))
    assert prompt.startswith("[gMASK]<sop><|system|>")
    assert "get_weather" in prompt
    assert prompt.endswith("Hi there<|assistant|>")


@pytest.mark.parametrize("members", [{}, {"tools": [WEATHER]}], ids=["plain", "tools"])
async def test_tokens_are_counted_as_an_answer_counts_them(engine: EmbeddedEngine, members: dict[str, Any]) -> None:
    """The tokenizer's number and the prompt's are one."""
    messages = [{"role": "user", "content": "How are you <|user|>?"}]
    counted = await engine.count(CALL, convert({"model": "m", "messages": messages, **members}, TokenizerRequest))
    used = await answer(engine, chat("How are you <|user|>?", max_tokens=1, **members))
    assert counted == used.usage.prompt


async def test_a_text_is_counted_without_anything_around_it(engine: EmbeddedEngine) -> None:
    """Nothing is put before it, and nothing in it is special."""
    assert await engine.tokens("") == 0
    assert await engine.tokens("Hi") > 0
    assert await engine.tokens("<|user|>") > 1


async def test_texts_are_embedded_in_their_order(embedder: EmbeddedEngine) -> None:
    """More than one batch of them, each as if it were alone; the tokens of all are counted."""
    texts = [f"number {number}" for number in range(20)]
    many = await embedder.embed(CALL, convert({"model": "m", "input": texts}, EmbeddingsRequest))
    last = await embedder.embed(CALL, convert({"model": "m", "input": texts[19]}, EmbeddingsRequest))
    assert len(many.vectors) == 20
    assert all(len(vector) == 384 for vector in many.vectors)
    assert sum(a * b for a, b in zip(many.vectors[19], last.vectors[0], strict=True)) == pytest.approx(1, abs=1e-3)
    assert many.prompt_tokens > last.prompt_tokens > 0


async def test_an_input_that_is_too_long_is_refused_with_numbers(embedder: EmbeddedEngine) -> None:
    """An encoder reads it in one piece or not at all."""
    with pytest.raises(ContextLengthExceeded, match="reads 512 tokens at once, but an input makes 2002"):
        await embedder.embed(CALL, convert({"model": "m", "input": "hello " * 2000}, EmbeddingsRequest))


async def test_a_single_token_id_is_not_embedded(embedder: EmbeddedEngine) -> None:
    """It is no text."""
    with pytest.raises(UnsupportedValue, match="no text"):
        await embedder.embed(CALL, convert({"model": "m", "input": [1, 2]}, EmbeddingsRequest))


async def test_a_text_may_be_given_as_the_models_own_token_ids(embedder: EmbeddedEngine) -> None:
    """Nothing is added to them: those of a text, with the first and the last one, give the vector of the text."""
    ids = [101, 7592, 2088, 102]
    found = await embedder.embed(CALL, convert({"model": "m", "input": ["hello world", ids]}, EmbeddingsRequest))
    assert found.vectors[0] == pytest.approx(found.vectors[1], abs=1e-5)
    assert found.prompt_tokens == 2 * len(ids)


async def test_a_chat_model_embeds_nothing(engine: EmbeddedEngine) -> None:
    """It says which kind to ask."""
    with pytest.raises(UnsupportedValue, match="Ask an embedding model"):
        await engine.embed(CALL, convert({"model": "m", "input": "x"}, EmbeddingsRequest))


async def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(engine: EmbeddedEngine) -> None:
    """The context of one request, not what all slots have together."""
    error = await refusal(engine, text="one two " * 2000)
    assert isinstance(error, ContextLengthExceeded)
    assert "context is 1024 tokens" in error.message


async def test_an_answer_that_reaches_the_context_ends_by_length(engine: EmbeddedEngine) -> None:
    """No error: what was said is said."""
    completion = await answer(engine, chat("Go on", ignore_eos=True, chat_template_kwargs=SILENT))
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.total == 1024


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tool_choice": "eclipse", "tools": [WEATHER]}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "zzz"}}}}, None),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
            "messages",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "film", "text": "x"}]}]}, "messages"),
        (
            {
                "messages": [
                    {"role": "user", "content": "x"},
                    {
                        "role": "assistant",
                        "tool_calls": [{"function": {"name": "f", "arguments": "{"}, "type": "function"}],
                    },
                    {"role": "tool", "content": "x"},
                ]
            },
            "messages",
        ),
        ({"messages": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]}, "messages"),
        (
            {
                "messages": [
                    {"role": "user", "content": "x"},
                    {
                        "role": "assistant",
                        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}, "type": "function"}],
                    },
                ]
            },
            "messages",
        ),
        ({"max_tokens": -7}, "max_tokens"),
        ({"grammar": "root ::= ("}, "response_format"),
    ],
)
async def test_each_refusal_of_the_real_child_has_its_meaning(
    engine: EmbeddedEngine, members: dict[str, Any], param: str | None
) -> None:
    """A new build that says it otherwise fails here; nothing of its inside is told."""
    error = await refusal(engine, **members)
    assert isinstance(error, InvalidRequest)
    assert error.param == param
    for leak in (".cpp", "json.exception", "peg", "template", "/"):
        assert leak not in error.message.replace("'#/", "")


async def test_bad_requests_leave_the_child_as_it_was(engine: EmbeddedEngine, supervisor: Supervisor) -> None:
    """None of all those above has broken it."""
    await answer(engine, chat(max_tokens=1))
    assert [status.breaks for status in supervisor.status()] == [0, 0]
    assert [status.busy for status in supervisor.status()] == [0, 0]
