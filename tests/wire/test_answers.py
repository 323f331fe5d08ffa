"""How streams and plain answers are written: contract 0.1 to 0.4, 3.2, 3.3 and S1."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.wire.answers import ChunkWriter, Head, finish_word, plain
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.engine import Note, Surface
from glmgate.wire.fold import Fold
from glmgate.wire.sse import SseReader

USAGE = Usage(prompt=7, completion=5, cached=3, reasoning=2)


def head(surface: Surface = "openai", **options: bool) -> Head:
    """A head with fixed names."""
    return Head(surface=surface, id="id-1", created=1, model="m", **options)


def chunks(writer: ChunkWriter, *deltas: Delta, notes: tuple[Note, ...] = ()) -> list[dict[str, Any]]:
    """Everything that the writer writes for the deltas, decoded; checks that `[DONE]` ends it."""
    events = SseReader().feed(b"".join(writer.write([delta]) for delta in deltas) + writer.finish(notes))
    assert events[-1].data == b"[DONE]"
    return [msgspec.json.decode(event.data) for event in events[:-1]]


END = Delta(finish_reason="stop", usage=USAGE)


def test_every_delta_has_both_text_keys() -> None:
    """The seed's own loop reads `reasoning_content` and `content` of each chunk (contract 0.1)."""
    written = chunks(ChunkWriter(head()), Delta(reasoning="hm"), Delta(content="a"), END)
    assert all({"content", "reasoning_content"} <= set(chunk["choices"][0]["delta"]) for chunk in written)


@pytest.mark.parametrize(("surface", "absent"), [("openai", None), ("zai", "")])
def test_absent_text_of_a_delta(surface: Surface, absent: str | None) -> None:
    """Null for OpenAI's clients; empty for GLM's, of which LangChain's raises on null."""
    call = ToolCallDelta(0, "call_1", "f", "{}")
    written = chunks(ChunkWriter(head(surface)), Delta(reasoning="hm"), Delta(tool_calls=(call,)), END)
    assert [chunk["choices"][0]["delta"]["content"] for chunk in written[:2]] == [absent, absent]


def test_each_chunk_has_one_choice_and_a_finish_reason_key() -> None:
    """No chunk is without choices unless the caller asked for it (contract 0.2)."""
    written = chunks(ChunkWriter(head()), Delta(content="a"), END)
    assert [chunk["choices"][0]["finish_reason"] for chunk in written] == [None, "stop"]


@pytest.mark.parametrize(
    ("surface", "asked", "where"), [("openai", False, 1), ("openai", True, 2), ("zai", False, 1), ("zai", True, 1)]
)
def test_usage_stands_in_exactly_one_chunk(surface: Surface, asked: bool, where: int) -> None:
    """On the finish chunk, or apart when an OpenAI client asked for it (contract S1)."""
    written = chunks(ChunkWriter(head(surface, include_usage=asked)), Delta(content="a", usage=USAGE), END)
    assert [index for index, chunk in enumerate(written) if chunk.get("usage")] == [where]


def test_a_call_has_its_id_once_and_its_index_always() -> None:
    """openai's helper dies without an index (contract 0.4)."""
    first = Delta(tool_calls=(ToolCallDelta(0, "call_1", "f", "{"),))
    second = Delta(tool_calls=(ToolCallDelta(0, arguments="}"),))
    written = chunks(ChunkWriter(head()), first, second, Delta(finish_reason="tool_calls"))
    pieces = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in written[:2]]
    assert pieces == [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
    ]


def test_a_legacy_caller_gets_a_function_call() -> None:
    """The older form has no ids and a finish reason of its own (contract C7)."""
    call = Delta(tool_calls=(ToolCallDelta(0, "call_1", "f", "{}"),))
    written = chunks(ChunkWriter(head(legacy_call=True)), call, Delta(finish_reason="tool_calls"))
    assert written[0]["choices"][0]["delta"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert written[1]["choices"][0]["finish_reason"] == "function_call"


def test_what_was_decided_late_stands_on_the_finish_chunk() -> None:
    """The report of a stream ends with what the header could not know yet."""
    written = chunks(ChunkWriter(head()), END, notes=(Note("stop", "emulated"),))
    assert written[-1]["glmgate"] == {"adaptations": ["stop=emulated"]}


@pytest.mark.parametrize(
    ("reason", "surface", "word"),
    [
        ("sensitive", "openai", "content_filter"),
        ("sensitive", "zai", "sensitive"),
        ("model_context_window_exceeded", "openai", "length"),
        ("tool_calls", "openai", "tool_calls"),
        (None, "openai", None),
    ],
)
def test_finish_reasons_are_in_the_callers_words(
    reason: FinishReason | None, surface: Surface, word: str | None
) -> None:
    """OpenAI's helpers react only to their own words (contract R3)."""
    assert finish_word(reason, head(surface)) == word


def test_a_plain_call_without_text_has_null_content_for_openai() -> None:
    """Each world gets what it knows: null for OpenAI, an empty string for GLM (contract 3.2)."""
    fold = Fold()
    fold.feed(Delta(tool_calls=(ToolCallDelta(0, "c", "f", "{}"),), finish_reason="tool_calls"))
    contents = [
        msgspec.json.decode(plain(head(surface), fold.result()))["choices"][0]["message"]["content"]
        for surface in ("openai", "zai")
    ]
    assert contents == [None, ""]


def test_text_completions_have_text() -> None:
    """The legacy endpoint writes `text` where chat writes a message or a delta."""
    assert chunks(ChunkWriter(head(text=True)), Delta(content="a"), END)[0]["choices"][0]["text"] == "a"
    fold = Fold()
    fold.feed(Delta(content="a", finish_reason="stop"))
    assert msgspec.json.decode(plain(head(text=True), fold.result()))["choices"][0]["text"] == "a"


def test_logprobs_of_text_completions_count_on_over_chunks() -> None:
    """The older form has offsets into the whole text, so a chunk's begin where the one before ended."""
    entry = {"token": "bc", "logprob": -0.5, "top_logprobs": []}
    deltas = (Delta(content="a"), Delta(content="bc", logprobs={"content": [entry]}), END)
    second = chunks(ChunkWriter(head(text=True)), *deltas)[1]["choices"][0]
    assert (second["logprobs"]["tokens"], second["logprobs"]["text_offset"]) == (["bc"], [1])


TEXTS = st.lists(st.builds(Delta, choice=st.integers(0, 1), content=st.text(max_size=5)), max_size=6)
THOUGHTS = st.lists(st.builds(Delta, choice=st.integers(0, 1), reasoning=st.text(max_size=5)), max_size=4)
PIECES = st.lists(st.text(max_size=4), min_size=1, max_size=4)


def call_deltas(pieces: list[str]) -> list[Delta]:
    """One call of choice 0, its arguments in pieces."""
    first, *rest = pieces
    begin = Delta(tool_calls=(ToolCallDelta(0, "call_0", "f", first),))
    return [begin, *(Delta(tool_calls=(ToolCallDelta(0, arguments=piece),)) for piece in rest)]


def assembled(written: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What a client makes of chunks: the texts joined, calls by index, the last finish reason."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in written:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            into = choices.setdefault(choice["index"], {"content": "", "reasoning": "", "calls": {}, "end": None})
            into["content"] += delta["content"] or ""
            into["reasoning"] += delta["reasoning_content"] or ""
            into["end"] = choice["finish_reason"] or into["end"]
            for piece in delta.get("tool_calls", []):
                call = into["calls"].setdefault(piece["index"], {"arguments": ""})
                call["id"] = piece.get("id") or call.get("id")
                call["arguments"] += piece["function"]["arguments"]
    return choices


@given(THOUGHTS, TEXTS, PIECES, st.sampled_from(["zai", "openai"]))
def test_folding_the_stream_equals_the_plain_answer(
    thoughts: list[Delta], texts: list[Delta], pieces: list[str], surface: Surface
) -> None:
    """Whoever assembles the chunks has what the plain answer would have said."""
    ends = [Delta(choice=0, finish_reason="tool_calls", usage=USAGE), Delta(choice=1, finish_reason="stop")]
    deltas = [*thoughts, *texts, *call_deltas(pieces), *ends]
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    body = msgspec.json.decode(plain(head(surface), fold.result()))
    written = chunks(ChunkWriter(head(surface)), *deltas)
    streamed = assembled(written)
    for choice in body["choices"]:
        message, other = choice["message"], streamed[choice["index"]]
        calls = {call["index"]: call["function"]["arguments"] for call in message.get("tool_calls", [])}
        assert (message["content"] or "", message["reasoning_content"] or "") == (other["content"], other["reasoning"])
        assert calls == {index: call["arguments"] for index, call in other["calls"].items()}
        assert choice["finish_reason"] == other["end"]
    assert body["usage"] == next(chunk["usage"] for chunk in written if "usage" in chunk)


def test_row_c8_calls_of_custom_tools_have_their_own_form() -> None:
    """Contract row C8: in pieces and whole, with an input in place of arguments."""
    pieces = (ToolCallDelta(0, "c", "run", "print", custom=True), ToolCallDelta(0, arguments="(1)", custom=True))
    deltas = [*(Delta(tool_calls=(piece,)) for piece in pieces), Delta(finish_reason="tool_calls")]
    written = chunks(ChunkWriter(head()), *deltas)
    assert [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in written[:2]] == [
        {"index": 0, "id": "c", "type": "custom", "custom": {"name": "run", "input": "print"}},
        {"index": 0, "custom": {"input": "(1)"}},
    ]
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    (call,) = msgspec.json.decode(plain(head(), fold.result()))["choices"][0]["message"]["tool_calls"]
    assert call == {"id": "c", "index": 0, "type": "custom", "custom": {"name": "run", "input": "print(1)"}}
