"""Custom tools where a service has only functions (contract row C8)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.custom_tools import CustomCalls
from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.delta import Delta, ToolCallDelta
from tests.adaptation.asking import asked, calls, says
from tests.adaptation.requests import WEATHER, chat, noted
from tests.adaptation.services import sent, service

RUN: dict[str, Any] = {"type": "custom", "custom": {"name": "run", "description": "Runs code"}}
GLM = service("zai")


def test_row_c8_a_custom_tool_is_a_function_of_one_text() -> None:
    """Contract row C8: with its name and description."""
    body = sent(GLM, tools=[WEATHER, RUN])
    function = body["tools"][1]["function"]
    assert (body["tools"][1]["type"], function["name"], function["description"]) == ("function", "run", "Runs code")
    assert function["parameters"]["required"] == list(function["parameters"]["properties"]) == ["input"]
    assert noted(fit(chat(tools=[RUN]), GLM)) == ["tools.custom=function"]


@given(st.text(), st.integers(1, 7))
def test_row_c8_its_calls_come_back_as_custom_ones(text: str, size: int) -> None:
    """Contract row C8: any text, however the call is cut; calls of functions stay what they are."""
    answer = calls(("get_weather", '{"city": "Oslo"}'), ("run", json.dumps({"input": text})), size=size)
    one, other = asked(chat(tools=[WEATHER, RUN]), GLM, [answer]).choice.calls
    assert (one.custom, json.loads(one.arguments)) == (False, {"city": "Oslo"})
    assert (other.custom, other.name, other.arguments, other.id) == (True, "run", text, "c1")


@pytest.mark.parametrize("arguments", ["print(1)", '{"code": "print(1)"}', '{"input": 1}', "{"])
def test_row_c8_arguments_of_another_form_are_text(arguments: str) -> None:
    """Contract row C8: a custom tool takes any."""
    (call,) = asked(chat(tools=[RUN]), GLM, [calls(("run", arguments))]).choice.calls
    assert (call.custom, call.arguments) == (True, arguments)


def test_row_c8_every_piece_says_that_it_is_custom() -> None:
    """Contract row C8: the call leaves as a whole, before the end."""
    outcome = asked(chat(tools=[RUN]), GLM, [calls(("run", '{"input": "x"}'))])
    assert [delta.tool_calls for delta in outcome.deltas if delta.tool_calls] == [
        (ToolCallDelta(0, "c0", "run", "x", custom=True),)
    ]


def test_row_c8_a_custom_tool_can_be_demanded() -> None:
    """Contract rows C2 and C8: by its own form of the choice."""
    request = chat(tools=[WEATHER, RUN], tool_choice={"type": "custom", "custom": {"name": "run"}})
    outcome = asked(request, GLM, [says("Prose."), calls(("run", '{"input": "x"}'))])
    assert [tool.function.name for tool in outcome.sent[0].tools or () if tool.function] == ["run"]
    assert [(call.custom, call.arguments) for call in outcome.choice.calls] == [(True, "x")]


def test_row_c8_a_custom_tool_can_be_allowed() -> None:
    """Contract row C8: among others."""
    tools = [{"type": "custom", "custom": {"name": "run"}}, {"type": "function", "function": {"name": "get_weather"}}]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}
    body = sent(GLM, tools=[WEATHER, RUN], tool_choice=choice)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["run", "get_weather"]


def test_row_c8_the_history_speaks_of_functions() -> None:
    """Contract row C8: earlier calls of custom tools are calls of the functions that stand for them."""
    messages = [
        {"role": "user", "content": "Run it"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "run", "input": "x"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
    ]
    (call,) = sent(GLM, messages=messages)["messages"][1]["tool_calls"]
    assert (call["id"], call["type"], call["function"]["name"]) == ("c", "function", "run")
    assert json.loads(call["function"]["arguments"]) == {"input": "x"}


def test_row_c8_a_grammar_cannot_be_held() -> None:
    """Contract row C8: which is said, and refused for a strict call."""
    form = {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "a"'}}
    notes = fit(chat(tools=[{"type": "custom", "custom": {"name": "run", "format": form}}]), GLM).notes
    assert [(str(note), note.exact) for note in notes] == [
        ("tools.custom=function", True),
        ("tools.custom.format=omitted", False),
    ]
    assert noted(fit(chat(tools=[{"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}}]), GLM)) == [
        "tools.custom=function"
    ]


def test_row_c8_who_has_custom_tools_gets_them() -> None:
    """Contract row C8: as they are."""
    assert sent(service("openai", "m"), tools=[RUN])["tools"] == [RUN]
    choice = {"type": "custom", "custom": {"name": "run"}}
    assert sent(service("openai", "m"), tools=[RUN], tool_choice=choice)["tool_choice"] == choice


@pytest.mark.parametrize(
    ("tool", "refusal", "param"),
    [
        ({"type": "custom"}, MissingParameter, "tools[0].custom.name"),
        ({"type": "custom", "custom": {}}, MissingParameter, "tools[0].custom.name"),
        ({"type": "custom", "custom": {"name": 1}}, InvalidRequest, "tools[0].custom.name"),
        ({"type": "custom", "custom": {"name": "a b"}}, InvalidRequest, "tools[0].function.name"),
    ],
)
def test_bad_custom_tools_are_refused(tool: dict[str, Any], refusal: type[Exception], param: str) -> None:
    """With their place."""
    with pytest.raises(refusal) as raised:
        fit(chat(tools=[tool]), GLM)
    assert getattr(raised.value, "param", None) == param


def test_a_call_that_never_ends_is_given_out() -> None:
    """What is held leaves at the latest when all is over."""
    undo = fit(chat(tools=[RUN]), GLM).undo
    held = undo.feed(Delta(tool_calls=(ToolCallDelta(0, "c", "run", '{"input"'),)))
    assert held == ()
    assert undo.close() == (Delta(tool_calls=(ToolCallDelta(0, "c", "run", '{"input"', custom=True),)),)


def test_what_the_service_runs_goes_by() -> None:
    """In the middle of a call of a custom tool, which stays one call."""
    native = ToolCallDelta(1, native={"type": "code_interpreter", "code_interpreter": {"input": "1"}})
    undo = CustomCalls(frozenset({"f"}))
    assert undo.feed(Delta(tool_calls=(ToolCallDelta(0, "a", "f", '{"input": "SEL'),))) == ()
    assert undo.feed(Delta(tool_calls=(native,))) == (Delta(tool_calls=(native,)),)
    assert undo.feed(Delta(tool_calls=(ToolCallDelta(0, arguments='ECT"}'),))) == ()
    (end,) = undo.feed(Delta(finish_reason="tool_calls"))
    assert end.tool_calls == (ToolCallDelta(0, "a", "f", "SELECT", custom=True),)
