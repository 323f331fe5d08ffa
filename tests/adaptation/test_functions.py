"""Legacy functions, there and back (contract row C7)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest
from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.members import plain
from tests.adaptation.requests import PROFILE, TIME, WEATHER, chat, fitted_chat, folded, noted

FUNCTIONS = [WEATHER["function"], TIME["function"]]


@pytest.mark.parametrize(
    ("choice", "names", "sent"),
    [
        (None, ["get_weather", "get_time"], None),
        ("auto", ["get_weather", "get_time"], None),
        ("none", [], None),
        ({"name": "get_time"}, ["get_time"], "required"),
    ],
)
def test_functions_become_tools(choice: object, names: list[str], sent: str | None) -> None:
    """With the choice among them."""
    fitted = fitted_chat(functions=FUNCTIONS, function_call=choice)
    assert [tool.function.name for tool in fitted.tools or [] if tool.function is not None] == names
    assert (fitted.tool_choice, fitted.functions, fitted.function_call) == (sent, None, None)


def test_an_answer_ends_with_a_function_call() -> None:
    """One call, and the older finish reason."""
    fitted = fit(chat(functions=FUNCTIONS), PROFILE)
    call = ToolCallDelta(index=0, id="c", name="get_time", arguments="{}")
    deltas = [*fitted.undo.feed(Delta(tool_calls=(call,))), *fitted.undo.feed(Delta(finish_reason="tool_calls"))]
    assert folded(deltas).finish_reason == "function_call"
    assert noted(fitted)[0] == "functions=tools"


def test_there_is_never_a_second_call() -> None:
    """The legacy form has room for one."""
    fitted = fit(chat(functions=FUNCTIONS), PROFILE)
    calls = [ToolCallDelta(index=index, id="c", name="get_time", arguments="{}") for index in range(2)]
    choice = folded(after for call in calls for after in fitted.undo.feed(Delta(tool_calls=(call,))))
    assert len(choice.calls) == 1
    assert choice.finish_reason == "function_call"
    assert fitted.undo.done


def test_text_ends_as_it_does() -> None:
    """Only calls have the older reason."""
    fitted = fit(chat(functions=FUNCTIONS), PROFILE)
    assert fitted.undo.feed(Delta(finish_reason="stop"))[-1].finish_reason == "stop"


def test_the_history_becomes_tool_calls() -> None:
    """A result finds the call that it belongs to."""
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Time?"},
        {"role": "assistant", "content": None, "function_call": {"name": "get_time", "arguments": "{}"}},
        {"role": "function", "name": "get_time", "content": "noon"},
    ]
    fitted = fit(chat(messages=messages), PROFILE)
    sent = plain(fitted.request)["messages"]
    assert sent[1]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    ]
    assert sent[2] == {"role": "tool", "name": "get_time", "tool_call_id": "call_1", "content": "noon"}
    assert noted(fitted) == ["messages.function_call=tool_calls", "messages.role=function->tool"]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"function_call": "auto"}, "function_call"),
        ({"functions": FUNCTIONS, "tools": [TIME]}, "functions"),
        ({"functions": FUNCTIONS, "function_call": "required"}, "function_call"),
        ({"functions": [{"name": "a b"}]}, "functions[0].name"),
        ({"functions": [{"name": "a", "parameters": {"type": "array"}}]}, "functions[0].parameters.type"),
        ({"functions": FUNCTIONS, "function_call": {"name": "nobody"}}, "tool_choice.function.name"),
    ],
)
def test_bad_legacy_members_are_refused(members: dict[str, Any], param: str) -> None:
    """Each with its place."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(**members), PROFILE)
    assert raised.value.param == param
