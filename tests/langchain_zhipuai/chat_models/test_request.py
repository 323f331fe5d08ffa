"""The body of a request: fields, what a call says, and what GLM has other words for."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from langchain_zhipuai.chat_models.request import body_of, options_of, streamed

HELLO = [HumanMessage("Hello")]


def body(fields: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A body without its messages."""
    made = body_of({"model": "glm-4.6"} | fields, HELLO, said)
    assert made.pop("messages") == [{"role": "user", "content": "Hello"}]
    return made


def test_what_a_call_says_wins() -> None:
    """Over the fields; `extra_body` wins over both, and the call's over the field's."""
    assert body({"temperature": 0.7}, temperature=0.2) == {"model": "glm-4.6", "temperature": 0.2}
    assert body({}, model="glm-4.5") == body({}, model_name="glm-4.5") == {"model": "glm-4.5"}
    extra = body({"top_p": 0.1, "extra_body": {"top_p": 0.2, "meta": 1}}, extra_body={"top_p": 0.3})
    assert extra == {"model": "glm-4.6", "top_p": 0.3, "meta": 1}


def test_none_and_an_empty_list_say_nothing() -> None:
    """The standard suite passes `stop=[]`; GLM refuses an empty array of tools, and a choice of nothing."""
    assert body({"stop": []}, max_tokens=None, tools=[], tool_choice="auto", stream=True) == {"model": "glm-4.6"}


def test_a_temperature_of_0_asks_for_the_likeliest_words() -> None:
    """Models of the GLM-4 era refuse the number (contract row T1)."""
    assert body({"temperature": 0}) == {"model": "glm-4.6", "do_sample": False}


@pytest.mark.parametrize(
    ("said", "wire"),
    [
        (True, {"type": "enabled"}),
        (False, {"type": "disabled"}),
        ({"type": "enabled", "clear_thinking": False}, {"type": "enabled", "clear_thinking": False}),
    ],
)
def test_thinking_in_short_and_in_full(said: Any, wire: dict[str, Any]) -> None:
    """Yes and no are enough for most."""
    assert body({"thinking": said})["thinking"] == wire


def test_one_stop_may_be_a_text() -> None:
    """The wire's is an array."""
    assert body({"stop": "you"})["stop"] == ["you"]


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ({"name": "now"}, {"type": "function", "function": {"name": "now"}}),
        ("now", {"type": "function", "function": {"name": "now"}}),
        ("auto", "auto"),
    ],
)
def test_functions_of_old_are_tools(choice: Any, wire: Any) -> None:
    """GLM never had functions (contract row C7)."""
    made = body({}, functions=[{"name": "now"}], function_call=choice)
    assert [each["function"]["name"] for each in made["tools"]] == ["now"]
    assert made["tool_choice"] == wire
    assert "tool_choice" not in body({}, functions=[{"name": "now"}])
    assert body({}, function_call="auto") == {"model": "glm-4.6"}


def test_what_a_call_says_of_its_transport_is_no_body() -> None:
    """It goes to the SDK."""
    said = {"extra_headers": {"X-A": "1"}, "timeout": 3, "extra_query": None, "top_p": 0.5}
    assert options_of(said) == {"headers": {"X-A": "1"}, "timeout": 3}
    assert body({}, **said) == {"model": "glm-4.6", "top_p": 0.5}


def test_a_stream_is_asked_for_its_usage_unless_told_not_to() -> None:
    """GLM sends it in any case; others wait to be asked."""
    assert streamed({"model": "m"}, usage=True)["stream_options"] == {"include_usage": True}
    assert streamed({"model": "m"}, usage=False) == {"model": "m", "stream": True}


def test_several_answers_are_not_streamed() -> None:
    """LangChain has no place for them there."""
    with pytest.raises(ValueError, match="n=2 answers"):
        streamed({"model": "m", "n": 2}, usage=True)
