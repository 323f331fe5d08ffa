"""Pieces of tools that a service runs itself: which call each is of, and what they make."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.fold import CompletedCall, Fold
from glmgate.wire.native_calls import NativeCalls, body_of, joined

LOGS = [{"type": "logs", "logs": "2"}]


def code(body: object, *, given: object = None, kind: str = "code_interpreter", **more: Any) -> dict[str, Any]:
    """A piece with this body."""
    return ({} if given is None else {"id": given}) | {"type": kind, kind: body} | more


def put(text: str, **members: Any) -> dict[str, Any]:
    """A piece of what is put in."""
    return code({"input": text}, **members)


def out(**members: Any) -> dict[str, Any]:
    """What comes out."""
    return code({"outputs": LOGS}, **members)


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        ([put("a", given="1"), put("b"), out()], [0, 0, 0]),
        ([put("a"), out(), put("b"), out()], [0, 0, 2, 2]),
        ([put("a", given="1"), put("b", given="2")], [0, 1]),
        ([put("a", given="1"), put("x", given="2"), out(given="1"), out(given="2")], [0, 1, 0, 1]),
        ([put("a", given="1"), out(given="1"), out(given="1")], [0, 0, 0]),
        ([put("a", given="1"), code({"input": "q"}, kind="web_browser"), out()], [0, 1, 2]),
        ([put("a", given="1"), put("b", given="1", kind="web_browser")], [0, 1]),
        ([put("a", given=[1]), put("b", given="")], [0, 0]),
    ],
    ids=["one", "two-in-turn", "two-ids", "interleaved", "more-comes-out", "kinds", "kinds-of-one-id", "no-ids"],
)
def test_pieces_find_their_call(pieces: list[dict[str, Any]], calls: list[int]) -> None:
    """By id; without one by type, and by what came before."""
    found = NativeCalls()
    assert [found.of(piece, index).index for index, piece in enumerate(pieces)] == calls


def test_a_call_knows_what_has_been_seen() -> None:
    """How many pieces, and whether something came out."""
    calls = NativeCalls()
    call = calls.of(put("a"), 0)
    assert (call.pieces, call.has_outputs) == (1, False)
    assert calls.of(out(), 1) is call
    assert (call.pieces, call.has_outputs) == (2, True)


@pytest.mark.parametrize("piece", [{}, {"type": None}, {"type": "web_browser"}, code("text"), {"type": ["a"]}])
def test_a_piece_may_say_nothing(piece: dict[str, Any]) -> None:
    """What is under no name, or no object, is none."""
    assert body_of(piece) == {}


def test_pieces_are_joined() -> None:
    """Input is one text, lists go on, anything else is the last that was said; the id and the type are the first's."""
    whole = joined(put("a", given="1", more=1), put("b", more=2, other=3))
    whole = joined(whole, code({"outputs": LOGS, "state": "running"}, given="2"))
    whole = joined(whole, code({"outputs": [{"type": "file", "file": "f"}], "state": "done"}))
    outputs = [*LOGS, {"type": "file", "file": "f"}]
    assert whole == code({"input": "ab", "outputs": outputs, "state": "done"}, given="1", more=2, other=3)


def test_joining_changes_no_piece() -> None:
    """Others may hold the same ones: caches, readers that share a call."""
    first, second = put("a"), put("b")
    joined(first, second)
    assert (first, second) == (put("a"), put("b"))


@pytest.mark.parametrize(("first", "second"), [("text", {"input": "b"}), ({"input": "a"}, "text")])
def test_bodies_that_are_no_objects(first: object, second: object) -> None:
    """Nothing can be joined: the last one counts."""
    assert joined(code(first), code(second)) == code(second)


def test_the_fold_has_a_call_once() -> None:
    """Contract 3.4: a plain answer that was put together from a stream has the calls that the stream had."""
    function = ToolCallDelta(1, "call_f", "f", "{}")
    fold = Fold()
    for delta in (
        Delta(tool_calls=(ToolCallDelta(0, native=put("1+", given="1")),)),
        Delta(tool_calls=(function, ToolCallDelta(2, native=put("1")))),
        Delta(content="Two.", tool_calls=(ToolCallDelta(3, native=out()),)),
        Delta(tool_calls=(ToolCallDelta(4, native=put("draw", given="2", kind="drawing_tool")),)),
    ):
        fold.feed(delta)
    (choice,) = fold.result().choices
    assert choice.content == "Two."
    assert choice.calls == (
        CompletedCall("", "", "", native=code({"input": "1+1", "outputs": LOGS}, given="1")),
        CompletedCall("call_f", "f", "{}"),
        CompletedCall("", "", "", native=put("draw", given="2", kind="drawing_tool")),
    )
