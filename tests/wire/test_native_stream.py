"""Calls of tools that a service runs itself, as they are written into a stream (contract 0.4, 3.4)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.wire.answers import ChunkWriter, Head, plain
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.engine import Surface
from glmgate.wire.fold import Fold
from glmgate.wire.native_stream import NativeStream
from glmgate.wire.sse import DONE_DATA, SseReader
from tests.wire.test_native_calls import LOGS, code, out, put

EMPTY = {"input": ""}


def written(*pieces: dict[str, Any] | ToolCallDelta, close: bool = True) -> list[tuple[int, Any]]:
    """What a stream has of these pieces, with its indexes; dictionaries are of tools that the service runs."""
    stream = NativeStream()
    after = []
    for index, piece in enumerate(pieces):
        given = piece if isinstance(piece, ToolCallDelta) else ToolCallDelta(index, native=piece)
        after += stream.feed((given,))
    after += stream.close() if close else []
    return [(piece.index, piece.native or piece.arguments) for piece in after]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([put("a", given="1"), put("b"), out()], [put("a", given="1"), put("b"), out()]),
        ([code({"input": "a", "outputs": LOGS}, given="1")], [put("a", given="1"), out(given="1")]),
        ([out(given="1")], [code(EMPTY, given="1"), out(given="1")]),
        ([put("a", given="1")], [put("a", given="1"), code(EMPTY, given="1")]),
        (
            [put("a", given="1"), put("b", given="2"), out(given="2")],
            [put("a", given="1"), code(EMPTY, given="1"), put("b", given="2"), out(given="2")],
        ),
        ([put("a"), code({"input": "b", "outputs": LOGS})], [put("a"), put("b"), out()]),
        ([code({}, given="1", kind="drawing_tool")], [code({}, given="1", kind="drawing_tool"), None]),
        ([code({"outputs": []}, kind="retrieval")], [code({"outputs": []}, kind="retrieval")]),
        ([code({"found": 1}, kind="web_search")], [code({"found": 1}, kind="web_search")]),
    ],
    ids=["pieces", "in-one", "out-only", "put-only", "the-next-begins", "late", "nothing", "retrieval", "search"],
)
def test_each_call_has_two_pieces(pieces: list[dict[str, Any]], expected: list[dict[str, Any] | None]) -> None:
    """One that is put in, and another: langchain_glm pops an empty deque on a call of one."""
    indexes, bodies = zip(*written(*pieces), strict=True)
    assert indexes == tuple(range(len(indexes)))
    assert list(bodies) == [code(EMPTY, given="1", kind="drawing_tool") if body is None else body for body in expected]


def test_a_piece_that_is_taken_apart_loses_nothing() -> None:
    """What nobody knows stays, at both levels."""
    whole = code({"input": "a", "state": "done", "outputs": LOGS}, given="1", more={"x": 1})
    first, second = written(whole)
    assert first == (0, code({"input": "a", "state": "done"}, given="1", more={"x": 1}))
    assert second == (1, out(given="1"))


def test_functions_keep_their_index_as_far_as_they_can() -> None:
    """They are moved by what was added before they began, and stay where they are then."""
    one, two = ToolCallDelta(1, "f", "f", "{"), ToolCallDelta(3, "g", "g", "[")
    more, end = ToolCallDelta(1, arguments="}"), ToolCallDelta(3, arguments="]")
    found = written(out(given="1"), one, out(given="2"), two, more, end)
    assert [index for index, _ in found] == [0, 1, 2, 3, 4, 5, 2, 5]
    assert [text for _, text in found if isinstance(text, str)] == ["{", "[", "}", "]"]


def test_functions_alone_are_what_they_were() -> None:
    """Nothing is added, so nothing is moved."""
    pieces = (ToolCallDelta(0, "f", "f", "{"), ToolCallDelta(1, "g", "g", "{}"), ToolCallDelta(0, arguments="}"))
    assert NativeStream().feed(pieces) == list(pieces)


def chunks(writer: ChunkWriter, *deltas: Delta) -> list[dict[str, Any]]:
    """The chunks of a stream."""
    events = SseReader().feed(writer.write(deltas) + writer.finish())
    return [msgspec.json.decode(event.data) for event in events if event.data != DONE_DATA]


def head(surface: Surface, *, legacy_call: bool = False) -> Head:
    """Of an answer."""
    return Head(surface=surface, id="id-1", created=1, model="m", legacy_call=legacy_call)


@pytest.mark.parametrize("surface", ["zai", "openai"])
def test_each_piece_has_a_chunk(surface: Surface) -> None:
    """Contract 0.4: also where several came at once, beside text, and with the end."""
    pieces = (ToolCallDelta(0, native=put("a", given="1")), ToolCallDelta(1, native=out()))
    last = (ToolCallDelta(2, native=put("b", given="2")),)
    made = chunks(
        ChunkWriter(head(surface)),
        Delta(content="Look: ", tool_calls=pieces, extra={"web_search": [1]}),
        Delta(choice=1, content="other"),
        Delta(tool_calls=last, finish_reason="tool_calls", usage=Usage(1, 1)),
        Delta(choice=1, finish_reason="stop"),
    )
    calls = [each["delta"].get("tool_calls") for chunk in made for each in chunk["choices"] if each["index"] == 0]
    assert [call for call in calls if call] == [
        [{"index": 0} | put("a", given="1")],
        [{"index": 1} | out()],
        [{"index": 2} | put("b", given="2")],
        [{"index": 3} | code(EMPTY, given="2")],
    ]
    assert made[0]["choices"][0]["delta"]["content"] == "Look: "
    assert [chunk.get("web_search") for chunk in made].count([1]) == 1
    assert all({"content", "reasoning_content"} <= chunk["choices"][0]["delta"].keys() for chunk in made)


def test_beside_a_legacy_call_they_stay_what_they_are() -> None:
    """The older `function_call` has no word for them."""
    deltas = (Delta(tool_calls=(ToolCallDelta(0, native=put("a", given="1")),)), Delta(finish_reason="tool_calls"))
    made = chunks(ChunkWriter(head("openai", legacy_call=True)), *deltas)
    assert made[0]["choices"][0]["delta"]["tool_calls"] == [{"index": 0} | put("a", given="1")]
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    body = msgspec.json.decode(plain(head("openai", legacy_call=True), fold.result()))
    assert body["choices"][0]["message"]["tool_calls"] == [{"index": 0} | put("a", given="1")]
