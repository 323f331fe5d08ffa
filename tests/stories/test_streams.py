"""The bytes of our streams, event by event: each rule of the stream contract (0.1 to 0.4, 3.3), on both surfaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.asking import Reply, Stream
from tests.stories.bodies import CALM, TOOLS, WEATHER, chat
from tests.stories.served import Served, reply_of

pytestmark = pytest.mark.engine

BASES = ("/api/paas/v4", "/v1")
KINDS: dict[str, dict[str, Any]] = {
    "text": chat(**CALM),
    "thinking": chat(thinking={"type": "enabled"}, max_tokens=400),
    "calls": chat(messages=WEATHER, tools=TOOLS, tool_choice="required", max_tokens=200, **CALM),
    "two": chat(n=2, temperature=1, **CALM),
    "counted": chat(stream_options={"include_usage": True}, **CALM),
    "not_counted": chat(stream_options={"include_usage": False}, **CALM),
}


@pytest.fixture(scope="module", params=BASES)
def base(request: pytest.FixtureRequest) -> str:
    """Each surface."""
    path: str = request.param
    return path


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of stream."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def reply(served: Served, base: str, kind: str) -> Reply:
    """A streamed answer, its bytes as they came."""
    answer = reply_of(served, KINDS[kind] | {"stream": True}, base=base)
    assert answer.status == 200, answer.body
    return answer


@pytest.fixture(scope="module")
def stream(reply: Reply) -> Stream:
    """The events of the answer."""
    return reply.stream


def choices(stream: Stream) -> list[dict[str, Any]]:
    """All choices of all chunks."""
    return [choice for chunk in stream.chunks for choice in chunk["choices"]]


def test_headers_of_a_stream(reply: Reply) -> None:
    """Events, that nobody on the way may keep back."""
    assert reply.headers["content-type"].replace(" ", "").lower() == "text/event-stream;charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.headers["x-request-id"]


def test_every_block_is_data_or_a_comment(stream: Stream) -> None:
    """One line each; never `event:`, `id:` or `retry:`, which break five SDKs (contract 0.3)."""
    assert all(block.startswith((b"data: ", b":")) and b"\n" not in block for block in stream.blocks)


def test_the_end_is_done(stream: Stream) -> None:
    """Exactly once, and last."""
    assert stream.data[-1] == b"[DONE]"
    assert stream.data.count(b"[DONE]") == 1


def test_every_chunk_names_the_answer(stream: Stream) -> None:
    """The same id, time and model throughout, and what kind of object it is."""
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in stream.chunks}) == 1
    assert {chunk["object"] for chunk in stream.chunks} == {"chat.completion.chunk"}


def test_every_chunk_has_one_choice(stream: Stream, base: str, kind: str) -> None:
    """None has an empty list, but the usage chunk that /v1 sends on request (contract 0.2)."""
    counts = [len(chunk["choices"]) for chunk in stream.chunks]
    apart = [0] if base == "/v1" and kind == "counted" else []
    assert counts == [1] * (len(counts) - len(apart)) + apart


def test_every_delta_has_both_texts(stream: Stream) -> None:
    """The seed's own loop reads both of every chunk (contract 0.1)."""
    assert all({"content", "reasoning_content"} <= choice["delta"].keys() for choice in choices(stream))


def test_every_choice_has_a_finish_reason_member(stream: Stream) -> None:
    """Null until the last chunk of the choice."""
    reasons: dict[int, list[str | None]] = {choice["index"]: [] for choice in choices(stream)}
    for choice in choices(stream):
        reasons[choice["index"]].append(choice["finish_reason"])
    assert all(set(of_one[:-1]) <= {None} and of_one[-1] is not None for of_one in reasons.values())


def test_usage_comes_once(stream: Stream, base: str, kind: str) -> None:
    """On the last chunk, whole, with both details (contract S1)."""
    with_usage = [chunk for chunk in stream.chunks if chunk.get("usage")]
    assert with_usage == stream.chunks[-1:]
    usage = with_usage[0]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] >= 0
    assert usage["completion_tokens_details"]["reasoning_tokens"] >= 0


def test_reasoning_comes_before_text(stream: Stream, kind: str) -> None:
    """Nothing is reasoned any more once a choice speaks; without thinking nothing is reasoned at all."""
    said = [
        "reasoning" if choice["delta"]["reasoning_content"] else "text"
        for choice in choices(stream)
        if choice["delta"]["reasoning_content"] or choice["delta"]["content"]
    ]
    assert ("reasoning" in said) is (kind == "thinking")
    assert said == sorted(said)


def test_calls_have_integer_indexes(stream: Stream, kind: str) -> None:
    """Every piece has one; the first also id, type and name (contract 0.4)."""
    pieces = [piece for choice in choices(stream) for piece in choice["delta"].get("tool_calls") or []]
    assert bool(pieces) is (kind == "calls")
    assert all(type(piece["index"]) is int for piece in pieces)
    seen: set[int] = set()
    for piece in pieces:
        if piece["index"] not in seen:
            assert piece["id"]
            assert piece["type"] == "function"
            assert piece["function"]["name"] == "get_weather"
        seen.add(piece["index"])


def test_pieces_of_calls_make_json(stream: Stream, kind: str) -> None:
    """The arguments of each call, put together, are an object."""
    if kind != "calls":
        return
    arguments: dict[int, str] = {}
    for choice in choices(stream):
        for piece in choice["delta"].get("tool_calls") or []:
            arguments[piece["index"]] = arguments.get(piece["index"], "") + piece["function"]["arguments"]
    assert arguments
    assert all(json.loads(text)["location"] in {"Beijing", "Shanghai"} for text in arguments.values())


@pytest.mark.parametrize("kind", ["text", "thinking"])
def test_a_stream_folds_to_the_plain_answer(served: Served, base: str, kind: str) -> None:
    """At temperature 0 the same request says the same, streamed or not."""
    streamed = reply_of(served, KINDS[kind] | {"stream": True}, base=base).stream
    plain = reply_of(served, KINDS[kind], base=base).json
    (choice,) = plain["choices"]
    assert streamed.text("content") == choice["message"]["content"]
    assert streamed.text("reasoning_content") == (choice["message"]["reasoning_content"] or "")
    assert choices(streamed)[-1]["finish_reason"] == choice["finish_reason"]
    assert streamed.chunks[-1]["usage"]["completion_tokens"] == plain["usage"]["completion_tokens"]


@pytest.mark.parametrize(("wish", "pieces"), [(None, 1), (False, 1)])
def test_glm_sends_each_call_whole(served: Served, wish: bool | None, pieces: int) -> None:
    """In one chunk, unless tool_stream asks for pieces (contract 3.1)."""
    body = KINDS["calls"] | {"stream": True} | ({} if wish is None else {"tool_stream": wish})
    found = [
        choice for choice in choices(reply_of(served, body, base=BASES[0]).stream) if "tool_calls" in choice["delta"]
    ]
    assert len(found) == pieces


def test_tool_stream_sends_calls_in_pieces(served: Served) -> None:
    """As on OpenAI's surface, where it is the only way."""
    body = KINDS["calls"] | {"stream": True, "tool_stream": True}
    found = [
        choice for choice in choices(reply_of(served, body, base=BASES[0]).stream) if "tool_calls" in choice["delta"]
    ]
    assert len(found) > 1


def test_a_stream_of_a_text_completion(served: Served) -> None:
    """The older endpoint has its own shape, and the same end."""
    body = {"model": "glm-4.6", "prompt": "Once upon", "max_tokens": 8, "stream": True}
    stream = reply_of(served, body, path="/completions").stream
    assert {chunk["object"] for chunk in stream.chunks} == {"text_completion"}
    assert all(isinstance(choice["text"], str) for choice in choices(stream))
    assert stream.data[-1] == b"[DONE]"
