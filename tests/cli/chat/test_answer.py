"""Tests of an answer while it arrives, from services of several habits."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.answer import Answer, AnswerFailed, AnswerUnreadable


def event(**members: Any) -> bytes:
    """An event of a stream."""
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def delta(**members: Any) -> bytes:
    """An event with one delta."""
    return event(choices=[{"delta": members}])


STREAM = (
    delta(reasoning_content="hm")
    + delta(content="a")
    + delta(tool_calls=[{"index": 0, "id": "i", "function": {"name": "f", "arguments": '{"x"'}}])
    + delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}])
    + event(model="m", choices=[{"delta": {}, "finish_reason": "tool_calls"}])
    + event(choices=[], usage={"completion_tokens": 5})
    + b"data: [DONE]\n\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_chunking_gives_the_same_answer(cuts: list[int]) -> None:
    """Text, thinking, calls, end and tokens."""
    answer = Answer()
    places = [0, *sorted(cuts), len(STREAM)]
    for begin, end in itertools.pairwise(places):
        answer.feed(STREAM[begin:end])
    (call,) = answer.calls
    assert (answer.content, answer.reasoning, answer.finish_reason) == ("a", "hm", "tool_calls")
    assert (answer.model, answer.tokens, answer.done) == ("m", 5, True)
    assert (call.id, call.name, "".join(call.arguments)) == ("i", "f", '{"x": 1}')


@pytest.mark.parametrize(
    ("data", "content", "reasoning"),
    [
        (delta(reasoning="r", content=None), "", "r"),
        (event(choices=None), "", ""),
        (event(choices=[{"index": 1, "delta": {"content": "other"}}]), "", ""),
        (event(id=7, object=None, choices=[{"delta": None, "x": 1}]), "", ""),
    ],
)
def test_habits_of_services_are_read(data: bytes, content: str, reasoning: str) -> None:
    """Names, nulls and choices that nobody asked for."""
    answer = Answer()
    answer.feed(data)
    assert (answer.content, answer.reasoning) == (content, reasoning)


def test_whole_calls_without_an_index_are_read() -> None:
    """Services that do not stream calls send them with their arguments as an object."""
    answer = Answer()
    answer.feed(delta(tool_calls=[{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}]))
    assert "".join(answer.calls[0].arguments) == '{"a":1}'


def test_an_error_in_the_stream_is_told() -> None:
    """What had come stays."""
    answer = Answer()
    answer.feed(delta(content="a"))
    with pytest.raises(AnswerFailed) as failed:
        answer.feed(event(error={"message": "broke"}))
    assert failed.value.error == {"message": "broke"}
    assert answer.content == "a"


@pytest.mark.parametrize("data", [b"data: {\n\n", b'data: {"choices": 7}\n\n', b"data: \xff\n\n", b"data: 1\n\n"])
def test_what_is_no_answer_is_its_own_error(data: bytes) -> None:
    """No exception of the JSON reader comes through."""
    with pytest.raises(AnswerUnreadable):
        Answer().feed(data)
