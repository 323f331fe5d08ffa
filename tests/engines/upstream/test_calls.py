"""Tool calls of upstreams, however they are told apart: the shapes of contract 3.3 and 3.4, facts 2 and peers 2.2."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.errors import EngineFailed
from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.fold import CompletedCall
from tests.engines.upstream.reading import DONE, calls, chunk, finish, folded, read


def call(
    name: str | None = None, arguments: object = None, *, index: int | None = None, given: str | None = None
) -> dict[str, Any]:
    """A piece of a call with what is given of it."""
    function = {"name": name, "arguments": arguments}
    piece: dict[str, Any] = {"function": {key: value for key, value in function.items() if value is not None}}
    return piece | ({} if index is None else {"index": index}) | ({} if given is None else {"id": given})


def made(*chunks: bytes, end: str = "tool_calls") -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls of an answer, which are checked to come as contract 3.3 says."""
    deltas = read(b"".join(chunks) + finish(end) + DONE)
    seen: set[int] = set()
    for piece in (piece for delta in deltas for piece in delta.tool_calls):
        assert (piece.id is not None, piece.name is not None) == (piece.index not in seen, piece.index not in seen)
        seen.add(piece.index)
    assert seen == set(range(len(seen)))
    choice = folded(deltas)
    assert choice.finish_reason == "tool_calls"
    return [(each.id, each.name, each.arguments) for each in choice.calls]


ONE = [("a", "f", '{"x":1}')]
TWO = [("a", "f", '{"x":1}'), ("b", "g", "{}")]


@pytest.mark.parametrize(
    "chunks",
    [
        [calls(call("f", '{"x":1}', index=0, given="a"))],
        [calls(call("f", index=0, given="a")), calls(call(None, '{"x"', index=0)), calls(call(None, ":1}", index=0))],
        [calls(call("f", "", index=0, given="a")), calls(call(None, '{"x":1}', index=0, given="a"))],
        [calls(call("f", '{"x"', given="a")), calls(call(None, ":1}"))],
        [calls(call("f", '{"x"', given="a")), calls(call(None, ":1}", given="a"))],
        [calls(call("f", '{"x"', index=0, given="a")), calls(call("f", ":1}", index=0, given="a"))],
        [calls(call("f", '{"x"', index=0, given="a")), calls(call("f", ":1}", index=0, given="other"))],
        [calls(call("f", '{"x"', given="a")), calls(call(None, ":1}", given="other"))],
        [calls(call("f", {"x": 1}, index=0, given="a"))],
        [calls(call("f", '{"x":1}', index=7, given="a"))],
        [calls(call(None, '{"x"', index=0, given="a")), calls(call("f", ":1}", index=0))],
        [calls(call("f", '{"x":1}', index=0, given="a")), calls(call("f", '{"x":1}', index=0, given="a"))],
        [calls(call("f", '{"x":1}', index=0, given="a")), calls(call(None, "", index=0)), calls({"index": 0})],
    ],
    ids=[
        "whole",
        "without-arguments",
        "id-on-each",
        "without-index",
        "id-without-index",
        "name-on-each",
        "new-id-on-each",
        "new-id-without-index",
        "object",
        "index-from-7",
        "late-name",
        "told-twice",
        "empty-pieces",
    ],
)
def test_one_call_in_many_shapes(chunks: list[bytes]) -> None:
    """Its id and name once, its index from 0, its arguments whole."""
    assert made(*chunks) == ONE


@pytest.mark.parametrize(
    "chunks",
    [
        [calls(call("f", '{"x":1}', index=0, given="a"), call("g", "{}", index=1, given="b"))],
        [calls(call("f", '{"x":1}', index=0, given="a")), calls(call("g", "{}", index=0, given="b"))],
        [calls(call("f", '{"x":1}', given="a"), call("g", "{}", given="b"))],
        [calls(call("f", '{"x":1}', given="a")), calls(call("g", given="b")), calls(call(None, "{}"))],
        [calls(call("f", index=0, given="a"), call("g", index=1, given="b")), calls(call(None, '{"x":1}', index=0))],
        [calls(call("f", '{"x":1}', index=1, given="a")), calls(call("g", "{}", index=0, given="b"))],
    ],
    ids=["indexes", "all-of-index-0", "ids", "no-index", "interleaved", "backwards"],
)
def test_two_calls_in_many_shapes(chunks: list[bytes]) -> None:
    """They are told apart by index, id, name or order, whatever there is; empty arguments are an empty object."""
    assert made(*chunks) == TWO


def test_the_same_function_twice_with_the_same_index() -> None:
    """Arguments that are whole cannot go on, so a second id is a second call."""
    found = made(calls(call("f", '{"x":1}', index=0, given="a")), calls(call("f", '{"x":2}', index=0, given="b")))
    assert found == [("a", "f", '{"x":1}'), ("b", "f", '{"x":2}')]


@pytest.mark.parametrize("given", [None, ""])
def test_a_call_without_an_id_gets_one(given: str | None) -> None:
    """Clients answer by it."""
    assert made(calls(call("f", '{"x":1}', index=0, given=given))) == [("call_1", "f", '{"x":1}')]


def test_an_id_that_is_given_twice_is_given_once() -> None:
    """Two answers to one id would be one answer too few."""
    found = made(calls(call("f", '{"x":1}', index=0, given="a"), call("g", '{"y":1}', index=1, given="a")))
    assert found == [("a", "f", '{"x":1}'), ("call_1", "g", '{"y":1}')]


def test_a_legacy_function_call_is_a_call() -> None:
    """Contract row C7."""
    said = chunk({"function_call": {"name": "f", "arguments": '{"x"'}}) + chunk({"function_call": {"arguments": ":1}"}})
    assert made(said, end="function_call") == [("call_1", "f", '{"x":1}')]


def test_calls_that_end_with_stop_end_with_calls() -> None:
    """Clients look at the reason before they look for calls."""
    assert made(calls(call("f", '{"x":1}', index=0, given="a")), end="stop") == ONE


def test_arguments_of_a_call_leave_when_they_arrive() -> None:
    """Nothing is held back once the name is known (contract row C10)."""
    begun, more, _ = read(
        calls(call("f", index=0, given="a")) + calls(call(None, '{"x', index=0)) + finish("length") + DONE
    )
    assert begun == Delta(tool_calls=(ToolCallDelta(0, "a", "f"),))
    assert more == Delta(tool_calls=(ToolCallDelta(0, arguments='{"x'),))


def test_a_call_without_a_name_is_a_failure() -> None:
    """Nobody could carry it out."""
    with pytest.raises(EngineFailed, match="name"):
        read(calls(call(None, "{}", index=0, given="a")) + finish("tool_calls") + DONE)


def test_a_custom_tool_takes_text() -> None:
    """Contract row C8: its input is no JSON, and nothing is added to it."""
    first = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "SEL"}}
    deltas = read(calls(first) + calls({"index": 0, "custom": {"input": "ECT"}}) + finish("tool_calls") + DONE)
    assert folded(deltas).calls == (CompletedCall("a", "f", "SELECT", custom=True),)


def test_tools_that_the_service_runs_come_as_they_are() -> None:
    """Each piece with an index of its own (contract 0.4, 3.4); the answer still ends as it did."""
    first = {"id": "a", "type": "code_interpreter", "code_interpreter": {"input": "1+1"}}
    second = {"type": "code_interpreter", "code_interpreter": {"outputs": [{"type": "logs", "logs": "2"}]}}
    deltas = read(calls(first) + calls(second) + chunk({"content": "Two"}) + finish() + DONE)
    assert [piece for delta in deltas for piece in delta.tool_calls] == [
        ToolCallDelta(0, native=first),
        ToolCallDelta(1, native=second),
    ]
    assert deltas[-1].finish_reason == "stop"


def test_code_that_the_caller_has_to_run_ends_with_calls() -> None:
    """With `sandbox: none` the service only writes the code (contract 3.4)."""
    piece = {"id": "a", "type": "code_interpreter", "code_interpreter": {"input": "1+1"}}
    assert read(calls(piece) + finish("tool_calls") + DONE)[-1].finish_reason == "tool_calls"
