"""Tests of the judge."""

from __future__ import annotations

import pytest

from training.conversation import Call, Conversation, assistant, calling, tool_result, user
from training.corpus.tools import PAGE_TOOL
from training.judging import Answer, answer, judge, request

PLAIN = Conversation((user("Hi"), assistant("Hello there", "A greeting.")))
CALL = Call("get_weather", {"location": "Oslo"})
WEATHER = Conversation((user("Weather?"), calling(CALL)), (PAGE_TOOL,), thinking=False)
JSON = Conversation((user("JSON"), assistant('{"a": 1, "b": "x"}')), thinking=False)


def test_the_expected_answer_is_right_in_everything() -> None:
    """An answer like the learned one passes every bar."""
    verdict = judge(PLAIN, Answer("Hello there", "A greeting.", (), "stop"))
    assert (verdict.ended, verdict.form, verdict.switch, verdict.tool, verdict.right) == (True,) * 5


@pytest.mark.parametrize(
    ("given", "failed"),
    [
        (Answer("Hello there", "Hm.", (), "length"), "ended"),
        (Answer("Hello there</think>", "Hm.", (), "stop"), "form"),
        (Answer("", "Hm.", (), "stop"), "form"),
        (Answer("Hello there", "", (), "stop"), "switch"),
        (Answer("Hello there", "Hm.", (CALL,), "tool_calls"), "tool"),
        (Answer("Hello their", "Hm.", (), "stop"), "right"),
    ],
)
def test_each_fault_is_seen(given: Answer, failed: str) -> None:
    """Each bar fails on the fault that it is for."""
    assert getattr(judge(PLAIN, given), failed) is False


def test_a_wrong_argument_is_the_right_tool() -> None:
    """The tool and its arguments are judged apart."""
    verdict = judge(WEATHER, Answer("", "", (Call("get_weather", {"location": "Rome"}),), "tool_calls"))
    assert verdict.tool
    assert not verdict.right


def test_words_beside_a_right_call_are_no_fault() -> None:
    """A call is judged by what is called."""
    assert judge(WEATHER, Answer("Let me see.", "", (CALL,), "tool_calls")).right


def test_json_is_compared_as_json() -> None:
    """Blanks and the order of members change nothing; another value does."""
    assert judge(JSON, Answer('{"b":"x","a":1}', "", (), "stop")).right
    assert not judge(JSON, Answer('{"b":"x","a":2}', "", (), "stop")).right
    assert not judge(JSON, Answer('{"b":"x"', "", (), "stop")).form


def test_a_request_leaves_out_the_answer_and_its_thoughts() -> None:
    """What is asked holds the turns before the last, results beside the calls that they belong to."""
    made = Conversation((*WEATHER.messages, tool_result("Sunny"), assistant("Sunny.")), (PAGE_TOOL,), thinking=False)
    body = request(made)
    messages = body["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"]
    assert messages[1]["tool_calls"][0]["function"]["arguments"] == '{"location": "Oslo"}'
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_completion_is_read() -> None:
    """Words, thought, calls and ending come from where the chat API puts them."""
    function = {"name": "get_weather", "arguments": '{"location":"Oslo"}'}
    message = {"content": None, "reasoning_content": "Hm.", "tool_calls": [{"function": function}]}
    choices = [{"message": message, "finish_reason": "tool_calls"}]
    assert answer({"choices": choices}) == Answer("", "Hm.", (CALL,), "tool_calls")


def test_a_call_that_was_cut_short_matches_nothing() -> None:
    """Arguments that are no JSON are kept as they are, and are not right."""
    message = {"tool_calls": [{"function": {"name": "get_weather", "arguments": '{"location":"Os'}}]}
    given = answer({"choices": [{"message": message, "finish_reason": "length"}]})
    assert given.calls[0].arguments == {"": '{"location":"Os'}
    assert not judge(WEATHER, given).right
