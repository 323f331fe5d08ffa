"""Plain answers of upstreams: one delta for each choice that holds all of it, and bodies that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glmgate.engines.upstream import whole
from glmgate.errors import CapacityExceeded, EngineFailed, QuotaExhausted
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from tests.engines.upstream.reading import reading, usage


def answer(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> bytes:
    """A body with one choice."""
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "x", "choices": [choice], "usage": usage(), **more}).encode()


def test_a_plain_answer_is_one_delta() -> None:
    """Text, thought, calls, end, usage and what stands beside (contract 3.2)."""
    call = {"id": "a", "index": 0, "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    found = [{"title": "A"}]
    message = {"role": "assistant", "content": "", "reasoning_content": "Hm", "tool_calls": [call]}
    assert whole.read(answer(message, "tool_calls", web_search=found), reading()) == (
        Delta(
            reasoning="Hm",
            tool_calls=(ToolCallDelta(0, "a", "f", '{"x":1}'),),
            finish_reason="tool_calls",
            usage=Usage(7, 3, 2),
            extra={"web_search": found},
        ),
    )


def test_calls_without_an_index_are_each_their_own() -> None:
    """Plain answers of OpenAI have none."""
    calls = [{"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}} for name in "ab"]
    (delta,) = whole.read(answer({"content": None, "tool_calls": calls}, "tool_calls"), reading())
    assert [(piece.index, piece.id) for piece in delta.tool_calls] == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("indexes", [(0, 1), (None, None)])
def test_several_choices(indexes: tuple[int | None, int | None]) -> None:
    """By their index, or by their place where they have none; usage stands with the first."""
    choices = [
        {"index": index, "message": {"content": text}, "finish_reason": "stop"}
        for index, text in zip(indexes, "ab", strict=True)
    ]
    body = json.dumps({"choices": choices, "usage": usage()}).encode()
    assert whole.read(body, reading()) == (
        Delta(choice=0, content="a", finish_reason="stop", usage=Usage(7, 3, 2)),
        Delta(choice=1, content="b", finish_reason="stop"),
    )


def test_a_whole_body_needs_no_reason_for_its_end() -> None:
    """It was not cut: its JSON is whole."""
    (delta,) = whole.read(answer({"content": "x"}, None), reading())
    assert delta.finish_reason == "stop"


@pytest.mark.parametrize("message", [{"content": ""}, {"content": None, "reasoning_content": "Hm"}])
def test_an_answer_without_a_word_is_asked_for_again(message: dict[str, Any]) -> None:
    """Nothing has left yet, so thoughts alone are no answer either (S4)."""
    with pytest.raises(EngineFailed) as told:
        whole.read(answer(message), reading())
    assert told.value.remedy == "retry"


def test_thoughts_alone_are_left_to_who_judges_the_answer() -> None:
    """A call or a form that thoughts have eaten is asked for without thinking, not once more (facts 2)."""
    (delta,) = whole.read(answer({"content": None, "reasoning_content": "Hm"}), reading(is_judged=True))
    assert (delta.reasoning, delta.finish_reason) == ("Hm", "stop")
    with pytest.raises(EngineFailed):
        whole.read(answer({"content": None}), reading(is_judged=True))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":{"code":"1113","message":"x"}}', QuotaExhausted),
        (b'{"code":1302,"msg":"x","success":false}', CapacityExceeded),
        (b'[{"error":{"code":"1113","message":"x"}}]', QuotaExhausted),
        (b'{"id":"x","choices":[]}', EngineFailed),
        (b"{}", EngineFailed),
        (b"", EngineFailed),
        (b'{"choices":', EngineFailed),
        (b'"text"', EngineFailed),
    ],
)
def test_a_good_status_with_a_bad_body(body: bytes, expected: type[Exception]) -> None:
    """The body tells, not the status (contract 3.5)."""
    with pytest.raises(expected):
        whole.read(body, reading())


def test_a_page_is_no_answer() -> None:
    """Asking there again is of no use."""
    with pytest.raises(EngineFailed) as told:
        whole.read(b"<html><title>Welcome</title></html>", reading())
    assert told.value.remedy == "next"
