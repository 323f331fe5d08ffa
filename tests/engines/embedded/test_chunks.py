"""The child's stream, made regular: recorded shapes, and what no child has said yet."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.engines.call_ids import call_id
from glmgate.engines.embedded.chunks import ChunkReader
from glmgate.errors import EngineFailed
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.fold import Fold
from glmgate.wire.sse import DONE, event_bytes


def timings(predicted: int, *, prompt: int = 7, cached: int = 3) -> dict[str, int]:
    """The counters that stand in every chunk."""
    return {"cache_n": cached, "prompt_n": prompt - cached, "predicted_n": predicted}


def chunk(delta: dict[str, Any], predicted: int = 1, **choice: Any) -> bytes:
    """A chunk of a chat."""
    body = {
        "choices": [{"index": 0, "delta": delta, "finish_reason": None, **choice}],
        "created": 1,
        "id": "chatcmpl-x",
        "model": "/a/path",
        "system_fingerprint": "b0-unknown",
        "timings": timings(predicted),
    }
    return event_bytes(msgspec.json.encode(body))


def finish(reason: str) -> bytes:
    """The chunk that ends a choice: it has no timings."""
    return event_bytes(
        msgspec.json.encode({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "id": "x"})
    )


def usage(completion: int, *, prompt: int = 7, cached: int = 3) -> bytes:
    """The chunk with the sums."""
    sums = {
        "completion_tokens": completion,
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return event_bytes(msgspec.json.encode({"choices": [], "usage": sums, "timings": timings(completion)}))


ROLE = chunk({"role": "assistant", "content": None}, 0)
ANSWER = ROLE + chunk({"content": "Good"}, 1) + chunk({"content": " day"}, 2) + finish("stop") + usage(3) + DONE


def read(data: bytes, **options: Any) -> list[Delta]:
    """All deltas of a stream."""
    numbers = count(1)
    reader = ChunkReader(new_id=lambda: f"call_{next(numbers)}", **options)
    return [*reader.feed(data), *reader.close()]


def test_an_answer_is_its_text_and_one_end_with_its_usage() -> None:
    """The child's role, ids and names are gone; the end waits for the sums."""
    assert read(ANSWER) == [
        Delta(content="Good", usage=Usage(7, 1, 3)),
        Delta(content=" day", usage=Usage(7, 2, 3)),
        Delta(finish_reason="stop", usage=Usage(7, 3, 3)),
    ]


@given(st.lists(st.integers(1, 200), max_size=40))
def test_any_cutting_of_the_bytes_gives_the_same_deltas(cuts: list[int]) -> None:
    """Where the socket cuts makes no difference."""
    reader, deltas, rest = ChunkReader(), list[Delta](), ANSWER
    for cut in cuts:
        deltas += reader.feed(rest[:cut])
        rest = rest[cut:]
    assert [*deltas, *reader.feed(rest), *reader.close()] == read(ANSWER)


def test_thoughts_are_reasoning_and_counted_as_such() -> None:
    """The tokens up to the last piece of the thought are the thought's."""
    said = chunk({"reasoning_content": "Hm"}, 1) + chunk({"reasoning_content": "."}, 4) + chunk({"content": "Yes"}, 6)
    deltas = read(said + finish("stop") + usage(7) + DONE)
    assert [delta.reasoning for delta in deltas] == ["Hm", ".", None, None]
    assert deltas[-1].usage == Usage(7, 7, 3, 4)


def test_progress_with_the_prompt_says_nothing() -> None:
    """The child tells of each micro-batch, so that it notices when its caller has gone; a client needs none of it."""
    reader = ChunkReader()
    body = {
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}],
        "timings": timings(0),
        "prompt_progress": {"total": 7, "cache": 3, "processed": 5, "time_ms": 1},
    }
    assert reader.feed(event_bytes(msgspec.json.encode(body))) == ()


def test_a_stream_that_is_left_early_was_counted_so_far() -> None:
    """Each delta has the usage up to it."""
    reader = ChunkReader()
    (delta,) = reader.feed(ROLE + chunk({"content": "Go"}, 5))
    assert delta.usage == Usage(7, 5, 3)


def test_calls_have_an_id_of_ours_and_their_name_once() -> None:
    """The child's ids are of another shape than those that clients know."""
    first = {"index": 0, "id": "abc", "type": "function", "function": {"name": "f", "arguments": "{"}}
    more = {"index": 0, "function": {"arguments": "}"}}
    second = {"index": 1, "id": "def", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    said = b"".join(chunk({"tool_calls": [call]}, 1) for call in (first, more, second))
    deltas = read(ROLE + said + finish("tool_calls") + usage(3) + DONE)
    assert [delta.tool_calls for delta in deltas[:-1]] == [
        (ToolCallDelta(index=0, id="call_1", name="f", arguments="{"),),
        (ToolCallDelta(index=0, arguments="}"),),
        (ToolCallDelta(index=1, id="call_2", name="g", arguments="{}"),),
    ]
    assert deltas[-1].finish_reason == "tool_calls"


def test_ids_of_calls_are_of_the_shape_that_clients_know() -> None:
    """And no two are equal."""
    made = {call_id() for _ in range(50)}
    assert len(made) == 50
    assert all(name.startswith("call_") and len(name) == 29 for name in made)


@pytest.mark.parametrize(
    ("said", "called", "expected"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("tool_calls", True, "tool_calls"),
        ("tool_calls", False, "stop"),
        ("length", True, "length"),
        ("length", False, "length"),
    ],
)
def test_the_end_agrees_with_what_was_said(said: str, called: bool, expected: str) -> None:
    """Clients decide by it whether there are calls to make."""
    call = chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]})
    deltas = read((call if called else b"") + finish(said) + usage(1) + DONE)
    assert deltas[-1].finish_reason == expected


def test_a_completion_s_text_is_content() -> None:
    """Its last chunk has reason, sums and timings together."""
    piece = {"choices": [{"text": "Hi", "index": 0, "logprobs": None, "finish_reason": None}], "timings": timings(1)}
    last = {
        "choices": [{"text": "", "index": 0, "logprobs": None, "finish_reason": "length"}],
        "usage": {"completion_tokens": 2, "prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}},
        "timings": timings(2),
    }
    data = b"".join(event_bytes(msgspec.json.encode(body)) for body in (piece, last)) + DONE
    assert read(data) == [
        Delta(content="Hi", usage=Usage(7, 1, 3)),
        Delta(finish_reason="length", usage=Usage(7, 2, 3)),
    ]


@pytest.mark.parametrize(("asked", "expected"), [(0, []), (1, ["a"]), (5, ["a", "b"])])
def test_logprobs_have_as_many_alternatives_as_were_asked_for(asked: int, expected: list[str]) -> None:
    """And none of the engine's token ids."""
    entry = {
        "id": 5,
        "token": "a",
        "bytes": [97],
        "logprob": -0.5,
        "top_logprobs": [
            {"id": 5, "token": "a", "bytes": [97], "logprob": -0.5},
            {"id": 6, "token": "b", "bytes": [98], "logprob": -1.5},
        ],
    }
    (delta, _) = read(
        chunk({"content": "a"}, logprobs={"content": [entry]}) + finish("stop") + usage(1), top_logprobs=asked
    )
    assert delta.logprobs is not None
    (got,) = delta.logprobs["content"]
    assert [other["token"] for other in got["top_logprobs"]] == expected
    assert "id" not in got
    assert (got["token"], got["bytes"], got["logprob"]) == ("a", [97], -0.5)


@pytest.mark.parametrize("data", [b"", ROLE, ROLE + chunk({"content": "Go"}), ROLE + DONE, b"data: {"])
def test_an_answer_without_an_end_is_a_failure(data: bytes) -> None:
    """`[DONE]` alone is no success."""
    with pytest.raises(EngineFailed, match="broke off"):
        read(data)


def test_an_end_without_its_sums_is_still_an_end() -> None:
    """The child was closed between the two; what was counted before stands."""
    assert read(ROLE + chunk({"content": "Go"}, 4) + finish("stop"))[-1] == Delta(
        finish_reason="stop", usage=Usage(7, 4, 3)
    )


def test_nothing_follows_the_end() -> None:
    """A second sum or `[DONE]` makes no second end."""
    ends = [delta for delta in read(ANSWER + usage(3) + DONE) if delta.finish_reason]
    assert len(ends) == 1


def test_an_error_in_the_stream_is_raised_in_our_words() -> None:
    """The child's names its own files."""
    said = event_bytes(b'{"error":{"code":500,"message":"at /src/server.cpp: boom","type":"server_error"}}')
    with pytest.raises(EngineFailed) as caught:
        read(ROLE + said)
    assert "server.cpp" not in caught.value.message


@pytest.mark.parametrize("data", [b"data: no json\n\n", b'data: {"choices": 7}\n\n', b"data: \xff\n\n"])
def test_nonsense_is_a_failure_of_the_engine(data: bytes) -> None:
    """Not a traceback."""
    with pytest.raises(EngineFailed, match="cannot be read"):
        read(data)


def test_an_unknown_reason_to_end_is_a_failure() -> None:
    """A new build's word must be given a meaning before it reaches clients."""
    with pytest.raises(EngineFailed):
        read(finish("eclipse") + DONE)


@given(st.lists(st.tuples(st.sampled_from(["content", "reasoning_content"]), st.text(max_size=5)), max_size=30))
def test_no_text_is_lost_or_mixed(pieces: list[tuple[str, str]]) -> None:
    """What the child says as thought and as answer comes back so, whatever the characters."""
    data = b"".join(chunk({kind: text}, number + 1) for number, (kind, text) in enumerate(pieces))
    fold = Fold()
    for delta in read(data + finish("stop") + usage(len(pieces)) + DONE):
        fold.feed(delta)
    (choice,) = fold.result().choices
    assert choice.content == "".join(text for kind, text in pieces if kind == "content")
    assert (choice.reasoning or "") == "".join(text for kind, text in pieces if kind == "reasoning_content")
