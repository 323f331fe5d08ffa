"""Calls in the history: their arguments are a JSON object, or the caller hears where they are not."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.members import plain
from tests.adaptation.requests import PROFILE, chat, fitted_chat, noted
from tests.adaptation.services import service

PARAM = "messages[1].tool_calls[0].function.arguments"


def with_call(call: dict[str, Any]) -> list[dict[str, Any]]:
    """A conversation with this call in it."""
    return [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "sunny"},
    ]


def sent_arguments(arguments: object) -> Any:
    """What the engine gets for these arguments."""
    call = {"id": "1", "index": 0, "type": "function", "function": {"name": "f", "arguments": arguments}}
    (sent,) = fitted_chat(messages=with_call(call)).messages[1].tool_calls or []
    assert sent.function is not None
    return sent.function.arguments


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [('{"a": 1}', '{"a": 1}'), ({"a": "é"}, '{"a":"é"}'), ("", "{}"), ("  ", "{}"), (None, "{}"), ({}, "{}")],
)
def test_arguments_are_the_text_of_an_object(arguments: object, sent: str) -> None:
    """Text stays as it is, objects are written, none at all are the empty object."""
    assert sent_arguments(arguments) == sent


@pytest.mark.parametrize(
    "arguments", ["{", "[1]", "null", '"a"', "1", "{'a': 1}", "[" * 100_000, '{"a":' * 100 + "1" + "}" * 100]
)
def test_other_arguments_are_refused(arguments: str) -> None:
    """The engine answers 500 to them (engine facts 3, behaviour 3)."""
    with pytest.raises(InvalidRequest) as raised:
        sent_arguments(arguments)
    assert raised.value.param == PARAM


@pytest.mark.parametrize("function", [None, {}, {"arguments": "{}"}, {"name": "", "arguments": "{}"}])
def test_a_call_has_a_name(function: dict[str, Any] | None) -> None:
    """What is missing is named."""
    with pytest.raises(MissingParameter) as raised:
        fit(chat(messages=with_call({"id": "1", "type": "function", "function": function})), PROFILE)
    assert raised.value.param == "messages[1].tool_calls[0].function.name"


def test_calls_of_other_tools_are_left_out_and_said() -> None:
    """The history of an agent with built-in tools is accepted."""
    call = {"id": "1", "type": "web_browser", "web_browser": {"outputs": []}}
    fitted = fit(chat(messages=with_call(call)), PROFILE)
    assert noted(fitted) == ["messages.tool_calls.web_browser=omitted"]
    assert getattr(fitted.request, "messages", [])[1].tool_calls is None


def test_an_unheard_of_type_is_not_told() -> None:
    """A type that is no known word is the caller's text."""
    fitted = fit(chat(messages=with_call({"id": "1", "type": "my secret"})), PROFILE)
    assert noted(fitted) == ["messages.tool_calls.other=omitted"]


@pytest.mark.parametrize(
    ("message", "sent", "told"),
    [
        ({"role": "assistant", "reasoning": "a"}, "a", ["messages.reasoning=reasoning_content"]),
        (
            {"role": "assistant", "reasoning": "a", "reasoning_content": "a"},
            "a",
            ["messages.reasoning=reasoning_content"],
        ),
        ({"role": "assistant", "reasoning": "b", "reasoning_content": "a"}, "a", ["messages.reasoning=omitted"]),
        ({"role": "assistant", "reasoning": 5}, None, ["messages.reasoning=omitted"]),
        ({"role": "user", "content": "c", "reasoning": "a"}, None, ["messages.reasoning=omitted"]),
    ],
)
def test_thoughts_have_two_names(message: dict[str, Any], sent: str | None, told: list[str]) -> None:
    """Those of an assistant, as text; where both names say something else, the older one counts."""
    turns = [{"role": "user", "content": "Hello"}, message, {"role": "user", "content": "Go on"}]
    fitted = fit(chat(messages=turns), PROFILE)
    assert getattr(fitted.request, "messages", [])[1].reasoning_content == sent
    assert noted(fitted) == told


@pytest.mark.parametrize("arguments", ["{", "", '{"a": 1}'])
def test_arguments_are_the_services_matter_where_it_says_so(arguments: str) -> None:
    """A call that a model wrote badly is sent back to it as it was; our engine would answer 500."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    fitted = plain(fit(chat(messages=with_call(call)), service("openai")).request)
    assert fitted["messages"][1]["tool_calls"][0]["function"]["arguments"] == (arguments or "{}")


def test_calls_of_the_services_own_tools_stay() -> None:
    """As they came; the place in the list is the place of a call."""
    call = {"id": "1", "index": 0, "type": "web_search", "web_search": {"outputs": []}}
    fitted = plain(fit(chat(messages=with_call(call)), service("zai")).request)
    assert fitted["messages"][1]["tool_calls"] == [call]
