"""Tests of the engine that gets back what it thought."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import EngineFailed, Unavailable
from glmgate.policy.memory import MemoryReasoningStore
from glmgate.policy.reasoning import ReasoningStore
from glmgate.routing.fanout import Fanout
from glmgate.routing.remembered import Remembered
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller, Engine, Generation, Note
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine, Read, call, calls, text

ASKED: list[dict[str, Any]] = [{"role": "user", "content": "hello"}]
THEN: dict[str, Any] = {"role": "user", "content": "and then?"}


def store() -> MemoryReasoningStore:
    """A store with room enough."""
    return MemoryReasoningStore(ttl_s=60, most_bytes=1 << 20, longest_bytes=1 << 16)


def chat(*messages: dict[str, Any], **members: object) -> ChatRequest:
    """A conversation that begins with the question."""
    return convert({"model": "m", "messages": [*ASKED, *messages], **members}, ChatRequest)


async def answered(engine: Engine, request: Generation, asked: Call | None = None) -> list[tuple[Delta, ...]]:
    """All that an engine answers, read by read."""
    async with engine.stream(asked or call(), request) as deltas:
        return [read async for read in deltas]


def thoughts(request: Generation) -> list[str | None]:
    """The thoughts of the assistant's messages in what an engine was asked."""
    assert isinstance(request, ChatRequest)
    return [message.reasoning_content for message in request.messages if message.role == "assistant"]


async def test_a_turn_gets_its_thought_back() -> None:
    """Row N14: the client sends the text only; the engine gets what it thought, the report says how many there were."""
    engine = FakeEngine([text("Hi", " there", reasoning="Hm.\n")])
    remembered = Remembered(engine, store(), family="f")
    await answered(remembered, chat())
    again = call()
    await answered(remembered, chat({"role": "assistant", "content": "Hi there"}, THEN), again)
    assert [thoughts(request) for request in engine.requests] == [[], ["Hm.\n"]]
    assert again.notes == [Note("messages.reasoning_content", "restored:1")]


async def test_a_tool_loop_gets_its_thoughts_back() -> None:
    """Between calls the model thinks on: each of its messages comes back with its own thought."""
    scripts: list[list[Read]] = [
        [(Delta(reasoning=f"step {step}"),), *calls(("f", f'{{"step": {step}}}'))] for step in range(3)
    ]
    engine = FakeEngine(scripts)
    remembered = Remembered(engine, store(), family="f")
    messages: list[dict[str, Any]] = []
    for step in range(3):
        await answered(remembered, chat(*messages))
        function = {"name": "f", "arguments": f'{{"step":{step}}}'}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [{"id": "call_0", "function": function}]},
            {"role": "tool", "tool_call_id": "call_0", "content": "done"},
        ]
    await answered(remembered, chat(*messages))
    assert thoughts(engine.requests[-1]) == ["step 0", "step 1", "step 2"]


async def test_the_answer_is_not_changed() -> None:
    """Every read comes as the engine gave it."""
    script = text("a", "b", reasoning="r")
    assert await answered(Remembered(FakeEngine([script]), store(), family="f"), chat()) == script


async def test_each_choice_is_kept_by_its_own_text() -> None:
    """Of two choices, the one that the client goes on with brings its own thought."""
    engine = FakeEngine([text("A", reasoning="a"), text("B", reasoning="b"), text("C")])
    chain = Fanout(Remembered(engine, store(), family="f"), at_once=1)
    await answered(chain, chat(n=2))
    await answered(chain, chat({"role": "assistant", "content": "B"}, THEN))
    assert thoughts(engine.requests[-1]) == ["b"]


async def test_choices_of_one_answer_are_told_apart() -> None:
    """Where one call answers with several choices, each has its own key too."""
    choices = [(Delta(choice=number, reasoning=name, content=name.upper()),) for number, name in enumerate("ab")]
    ends = [(Delta(choice=number, finish_reason="stop"),) for number in range(2)]
    engine = FakeEngine([[*choices, *ends], text("C")])
    remembered = Remembered(engine, store(), family="f")
    await answered(remembered, chat())
    await answered(remembered, chat({"role": "assistant", "content": "B"}, THEN))
    assert thoughts(engine.requests[-1]) == ["b"]


@pytest.mark.parametrize("when", ["told", "asked"])
async def test_a_call_may_refuse_to_be_remembered(when: str) -> None:
    """With `remember` off nothing is kept, and nothing that was kept is put back."""
    engine = FakeEngine([text("Hi", reasoning="r")])
    remembered = Remembered(engine, store(), family="f")
    await answered(remembered, chat(), call(remember=None if when == "asked" else False))
    again = call(remember=None if when == "told" else False)
    await answered(remembered, chat({"role": "assistant", "content": "Hi"}, THEN), again)
    assert thoughts(engine.requests[-1]) == [None]
    assert again.notes == []


@pytest.mark.parametrize("other", [Caller("k", project="other"), Caller("k", organisation="other")])
async def test_another_project_gets_nothing(other: Caller) -> None:
    """The same conversation under another project's key stays as it is."""
    engine = FakeEngine([text("Hi", reasoning="secret")])
    remembered = Remembered(engine, store(), family="f")
    await answered(remembered, chat())
    await answered(remembered, chat({"role": "assistant", "content": "Hi"}, THEN), call(caller=other))
    assert thoughts(engine.requests[-1]) == [None]


async def test_another_family_gets_nothing() -> None:
    """A model's thoughts mean something to its own family only."""
    kept = store()
    engine = FakeEngine([text("Hi", reasoning="r")])
    await answered(Remembered(engine, kept, family="f"), chat())
    for family in ("g", "f"):
        await answered(Remembered(engine, kept, family=family), chat({"role": "assistant", "content": "Hi"}, THEN))
    assert [thoughts(request) for request in engine.requests[1:]] == [[None], ["r"]]


@pytest.mark.parametrize("reason", ["sensitive", "network_error", "model_context_window_exceeded"])
async def test_an_answer_without_a_good_end_is_not_kept(reason: FinishReason) -> None:
    """What was cut off or filtered is not what the model had to say."""
    kept = store()
    await answered(Remembered(FakeEngine([text("Hi", reasoning="r", finish=reason)]), kept, family="f"), chat())
    assert kept.size == 0


async def test_an_answer_that_was_left_is_not_kept() -> None:
    """The stream is closed at once, and half a thought is none."""
    kept = store()
    engine = FakeEngine([text("Hi", reasoning="r")])
    async with Remembered(engine, kept, family="f").stream(call(), chat()) as deltas:
        await anext(deltas)
    assert (engine.open, engine.left, kept.size) == (0, 1, 0)


async def test_an_answer_that_failed_is_not_kept() -> None:
    """The failure goes through as it is."""
    kept = store()
    script: list[Read] = [(Delta(reasoning="r", content="Hi"),), EngineFailed("broke")]
    with pytest.raises(EngineFailed, match="broke"):
        await answered(Remembered(FakeEngine([script]), kept, family="f"), chat())
    assert kept.size == 0


class Failing(ReasoningStore):
    """A store that raises whatever it is told to, or never answers."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def find(self, project: str, keys: Collection[str]) -> Mapping[str, str]:
        """Fail."""
        if self._error is None:
            await asyncio.Event().wait()
        assert self._error is not None
        raise self._error

    async def keep(self, project: str, thoughts: object) -> None:
        """Fail."""
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("error", [Unavailable("no disk"), ValueError("caller's words"), None])
async def test_a_store_that_fails_fails_no_request(error: Exception | None, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is wrong with it, or however slow it is; the log says so without anybody's words."""
    script = text("Hi", reasoning="r")
    engine = FakeEngine([script])
    remembered = Remembered(engine, Failing(error), family="f", find_within_s=0.02)
    assert await answered(remembered, chat({"role": "assistant", "content": "x"}, THEN)) == script
    assert thoughts(engine.requests[0]) == [None]
    assert "reasoning of request req-1 could not be looked up" in caplog.text
    assert "caller's words" not in caplog.text


async def test_nothing_else_is_touched() -> None:
    """Text completions, embeddings and counting go through."""
    engine = FakeEngine([text("Hi", reasoning="r")])
    kept = store()
    remembered = Remembered(engine, kept, family="f")
    completion = CompletionRequest(model="m", prompt="a")
    await answered(remembered, completion)
    await remembered.embed(call(), EmbeddingsRequest(model="m", input=["a"]))
    await remembered.count(call(), TokenizerRequest(model="m", messages=[]))
    assert (engine.requests, len(engine.embedded), len(engine.counted), kept.size) == ([completion], 1, 1, 0)


PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=4)


@given(
    PIECES,
    PIECES.filter(any),
    st.lists(st.tuples(st.text("ab", min_size=1), PIECES), max_size=3),
)
async def test_whatever_is_said_is_known_again(
    said: list[str], thought: list[str], called: list[tuple[str, list[str]]]
) -> None:
    """However an answer is cut into deltas, its thought comes back unmodified when the client sends the answer back."""
    reads: list[Read] = [(Delta(reasoning=piece),) for piece in thought]
    reads += [(Delta(content=piece),) for piece in said]
    for index, (name, arguments) in enumerate(called):
        reads.append((Delta(tool_calls=(ToolCallDelta(index, id=f"c{index}", name=name),)),))
        reads += [(Delta(tool_calls=(ToolCallDelta(index, arguments=piece),)),) for piece in arguments]
    engine = FakeEngine([[*reads, (Delta(finish_reason="stop"),)], text("x")])
    remembered = Remembered(engine, store(), family="f")
    await answered(remembered, chat())
    message = {
        "role": "assistant",
        "content": "".join(said) or None,
        "tool_calls": [
            {"id": f"c{index}", "function": {"name": name, "arguments": "".join(arguments)}}
            for index, (name, arguments) in enumerate(called)
        ],
    }
    await answered(remembered, chat(message, THEN))
    assert thoughts(engine.requests[-1]) == ["".join(thought)]
