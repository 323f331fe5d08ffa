"""Every form of `tool_choice`, and one call at a time (contract rows C1 to C5, C8)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, UnsupportedValue
from tests.adaptation.requests import PROFILE, TIME, WEATHER, chat, fitted_chat, noted
from tests.adaptation.services import service

NAMED = {"type": "function", "function": {"name": "get_time"}}


def allowed(*names: str, mode: str = "auto") -> dict[str, Any]:
    """OpenAI's form for some of the tools."""
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def offered(choice: object) -> tuple[list[str], object]:
    """The functions that the engine is offered, and the choice that it is told."""
    fitted = fitted_chat(tools=[WEATHER, TIME], tool_choice=choice)
    return [tool.function.name for tool in fitted.tools or [] if tool.function is not None], fitted.tool_choice


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", (["get_weather", "get_time"], None)),
        ("none", ([], None)),
        ("required", (["get_weather", "get_time"], "required")),
        (NAMED, (["get_time"], "required")),
        (allowed("get_time"), (["get_time"], None)),
        (allowed("get_time", mode="required"), (["get_time"], "required")),
        (allowed("get_time", "get_weather", "get_time", mode="required"), (["get_time", "get_weather"], "required")),
    ],
)
def test_each_form_offers_what_may_be_called(choice: object, expected: tuple[list[str], object]) -> None:
    """The engine ignores the object form in silence (engine facts 3, behaviour 1), so it never gets one."""
    assert offered(choice) == expected


@pytest.mark.parametrize("choice", ["none", "required", NAMED, allowed("get_time")])
def test_emulated_forms_are_said(choice: object) -> None:
    """They are really enforced, so the change is exact."""
    fitted = fit(chat(tools=[WEATHER, TIME], tool_choice=choice), PROFILE)
    assert noted(fitted) == ["tool_choice=emulated"]
    assert fitted.notes[0].exact


def test_auto_is_what_happens_anyway() -> None:
    """Nothing is said about it, with tools or without (contract row C4)."""
    assert fit(chat(tools=[WEATHER], tool_choice="auto"), PROFILE).notes == ()
    assert fit(chat(tool_choice="auto"), PROFILE).notes == ()
    assert fit(chat(tool_choice="none"), PROFILE).notes == ()


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("bogus", "tool_choice"),
        ("", "tool_choice"),
        ({"type": "function"}, "tool_choice.function"),
        ({"type": "function", "function": {"name": "nobody"}}, "tool_choice.function.name"),
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools"),
        ({"type": "allowed_tools", "allowed_tools": {"tools": [1]}}, "tool_choice.allowed_tools.tools[0]"),
        (allowed("nobody"), "tool_choice.allowed_tools.tools"),
        (allowed("get_time", mode="maybe"), "tool_choice.allowed_tools.mode"),
    ],
)
def test_bad_choices_are_refused(choice: object, param: str) -> None:
    """Each with its place."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(tools=[WEATHER, TIME], tool_choice=choice), PROFILE)
    assert raised.value.param == param


@pytest.mark.parametrize("kind", ["custom", "web_browser", "mcp"])
def test_tools_of_other_types_cannot_be_forced(kind: str) -> None:
    """The model is not offered them."""
    with pytest.raises(UnsupportedValue) as raised:
        fit(chat(tools=[WEATHER, {"type": kind}], tool_choice={"type": kind}), PROFILE)
    assert raised.value.param == "tool_choice.type"


def test_a_tool_that_the_service_runs_is_left_to_its_model() -> None:
    """Services with tools of their own know no choice among them (contract row C1)."""
    browser = {"type": "web_browser"}
    fitted = fit(chat(tools=[WEATHER, browser], tool_choice=browser), service("zai", "glm-4-alltools"))
    assert (getattr(fitted.request, "tool_choice", 0), noted(fitted)) == (None, ["tool_choice=omitted"])
    assert [tool.type for tool in getattr(fitted.request, "tools", [])] == ["function", "web_browser"]
    assert not fitted.notes[0].exact


@pytest.mark.parametrize("tools", [None, [], [{"type": "web_browser"}]])
def test_a_call_needs_something_to_call(tools: list[dict[str, Any]] | None) -> None:
    """A forced call without functions is refused (contract row C4)."""
    with pytest.raises(InvalidRequest) as raised:
        fit(chat(tools=tools, tool_choice="required"), PROFILE)
    assert raised.value.param == "tool_choice"


def test_a_forced_call_has_no_format() -> None:
    """It has no text that could have one."""
    fitted = fitted_chat(tools=[WEATHER], tool_choice="required", response_format={"type": "json_object"})
    assert fitted.response_format is None


def test_one_call_at_a_time_is_emulated() -> None:
    """And said; without tools there is nothing to do (contract row C5)."""
    assert noted(fit(chat(tools=[WEATHER], parallel_tool_calls=False), PROFILE)) == ["parallel_tool_calls=emulated"]
    assert fit(chat(parallel_tool_calls=False), PROFILE).notes == ()
    assert fit(chat(tools=[WEATHER], parallel_tool_calls=True), PROFILE).notes == ()
