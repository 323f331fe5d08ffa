"""Tools: functions in one regular form, other types left out and said (contract rows C4, C6, 7.2)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter
from tests.adaptation.requests import BARE, PROFILE, TIME, WEATHER, chat, fitted_chat, noted


def function(**members: object) -> dict[str, Any]:
    """A tool with a function of these members."""
    return {"type": "function", "function": {"name": "f"} | members}


def sent(tool: dict[str, Any]) -> Any:
    """The function that the engine gets for a tool."""
    (fitted,) = fitted_chat(BARE, tools=[tool]).tools or []
    return fitted.function


@pytest.mark.parametrize("members", [{}, {"description": None, "parameters": None}, {"parameters": {}}])
def test_what_is_absent_is_filled_in(members: dict[str, Any]) -> None:
    """Description and parameters are always there (contract row C6)."""
    fitted = sent(function(**members))
    assert (fitted.description, fitted.parameters) == ("", {"type": "object", "properties": {}})


def test_parameters_are_an_object() -> None:
    """Where the type is not said, it is added."""
    assert sent(function(parameters={"properties": {"a": {}}})).parameters == {
        "type": "object",
        "properties": {"a": {}},
    }


@pytest.mark.parametrize(
    "kind", ["web_browser", "drawing_tool", "code_interpreter", "retrieval", "web_search", "mcp", "custom"]
)
def test_other_types_are_left_out_and_said(kind: str) -> None:
    """They are accepted, whatever they hold, and not offered to the model."""
    fitted = fit(chat(tools=[{"type": kind, kind: {"anything": [1]}}, WEATHER]), PROFILE)
    assert noted(fitted) == [f"tools.{kind}=omitted"]
    assert not fitted.notes[0].exact
    assert len(getattr(fitted.request, "tools", [])) == 1


def test_an_unheard_of_type_is_not_told() -> None:
    """The report holds no caller's text."""
    assert noted(fit(chat(tools=[{"type": "my secret"}]), PROFILE)) == ["tools.other=omitted"]


@pytest.mark.parametrize("tools", [[], [{"type": "web_browser"}]])
def test_no_functions_are_no_tools(tools: list[dict[str, Any]]) -> None:
    """An empty list is the same as none (contract row C4)."""
    fitted = fitted_chat(tools=tools, tool_choice="auto", parallel_tool_calls=True)
    assert (fitted.tools, fitted.tool_choice, fitted.parallel_tool_calls) == (None, None, None)


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "a.b", "ä", "<think>", "a\n"])
def test_names_have_a_form(name: str) -> None:
    """Both dialects document it, and a template would write anything into the prompt."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(tools=[WEATHER, function(name=name)]), PROFILE)
    assert raised.value.param == "tools[1].function.name"


def test_names_are_their_own() -> None:
    """Two functions of one name cannot be told apart."""
    with pytest.raises(InvalidRequest, match="Two tools") as raised:
        fit(chat(tools=[WEATHER, TIME, WEATHER]), PROFILE)
    assert raised.value.param == "tools[2].function.name"


def test_their_number_is_bounded() -> None:
    """As documented."""
    with pytest.raises(InvalidRequest, match="129 tools"):
        fit(chat(tools=[function(name=f"f{number}") for number in range(129)]), PROFILE)
    assert len(fitted_chat(tools=[function(name=f"f{number}") for number in range(128)]).tools or []) == 128


def test_a_function_tool_has_a_function() -> None:
    """The engine answers 500 to one without (engine facts 3, behaviour 3)."""
    with pytest.raises(MissingParameter) as raised:
        fit(chat(tools=[{"type": "function"}]), PROFILE)
    assert raised.value.param == "tools[0].function"


@pytest.mark.parametrize(
    ("parameters", "param"),
    [({"type": "array"}, ".type"), ({"properties": {"a": {"$ref": "https://example.org"}}}, ".properties.a.$ref")],
)
def test_parameters_are_bounded_schemas(parameters: dict[str, Any], param: str) -> None:
    """They are checked like any schema of a stranger."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(tools=[function(parameters=parameters)]), PROFILE)
    assert raised.value.param == f"tools[0].function.parameters{param}"


def test_strict_functions_are_not_quite_that() -> None:
    """The engine's grammar forces names, keys and types, but no choice among strings: so it is said, and not exact."""
    fitted = fit(chat(tools=[function(strict=True)]), PROFILE)
    assert noted(fitted) == ["tools.function.strict=partly"]
    assert not fitted.notes[0].exact
    assert fit(chat(tools=[function(strict=False)]), PROFILE).notes == ()


def test_parameters_that_are_obeyed_in_part_are_reported() -> None:
    """As for response formats: a word that the engine does not obey is told of."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "minProperties": 1}}}
    assert "tools.function.parameters=partly" in noted(fit(chat(tools=[tool]), PROFILE))
