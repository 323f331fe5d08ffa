"""Demanded and forbidden calls at services that are asked, not constrained (contract rows C1, C2, C3, C5)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, UnsupportedValue
from glmgate.wire.chat import ChatRequest, ToolChoice
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.members import plain
from tests.adaptation.asking import asked, calls, says
from tests.adaptation.requests import TIME, WEATHER, chat
from tests.adaptation.services import fitted, sent, service

BOTH: dict[str, Any] = {"tools": [WEATHER, TIME]}
NAMED = {"type": "function", "function": {"name": "get_time"}}
CALL = ("get_time", '{"zone": "UTC"}')
WORDS, HELD = service("zai"), service("vllm")


def offered(body: dict[str, Any]) -> list[str]:
    """The functions that the service gets."""
    return [tool["function"]["name"] for tool in body.get("tools", ())]


@pytest.mark.parametrize("name", ["zai", "bigmodel", "zai-coding", "ollama", "generic"])
def test_row_c1_required_is_asked_for_in_words(name: str) -> None:
    """Contract row C1: what the service refuses or ignores it never gets."""
    body = sent(service(name), **BOTH, tool_choice="required")
    assert "tool_choice" not in body
    assert offered(body) == ["get_weather", "get_time"]
    assert body["messages"][-1]["content"] == (
        "Hello\n\nCall one of these functions now: get_weather, get_time. Answer with nothing but the call."
    )


def test_row_c1_a_model_that_calls_is_asked_once() -> None:
    """Contract row C1: its own call is kept."""
    outcome = asked(chat(**BOTH, tool_choice="required"), WORDS, [calls(CALL)])
    assert [(call.id, call.name, call.arguments) for call in outcome.choice.calls] == [("c0", *CALL)]
    assert (outcome.choice.finish_reason, len(outcome.sent)) == ("tool_calls", 1)
    assert outcome.noted == ["tool_choice=emulated"]


def test_row_c1_a_model_that_talks_is_asked_again() -> None:
    """Contract row C1: with those tools only, stronger words, thinking off, and the sum of both calls as usage."""
    outcome = asked(
        chat(**BOTH, tool_choice="required"), WORDS, [says("Sure, ", "wait.", reasoning="Hm."), calls(CALL)]
    )
    first, second = outcome.sent
    assert (outcome.choice.content, outcome.choice.reasoning) == ("", "Hm.")
    assert [call.name for call in outcome.choice.calls] == ["get_time"]
    assert outcome.usage == Usage(20, 7)
    assert len(str(second.messages[-1].content)) > len(str(first.messages[-1].content))
    assert "no function was called" in str(second.messages[-1].content)
    assert second.thinking is not None
    assert second.thinking.type == "disabled"
    assert outcome.noted == ["tool_choice=emulated", "tool_choice=repaired"]


@pytest.mark.parametrize("answer", [says("Prose."), says(""), calls(("nobody", "{}")), calls(("get_time", "{"))])
@pytest.mark.parametrize("profile", [WORDS, HELD])
def test_row_c1_in_the_end_an_error(profile: Any, answer: list[Delta]) -> None:
    """Contract row C1: never prose with 200, nor a call that cannot be run."""
    with pytest.raises(UnsupportedValue) as raised:
        asked(chat(**BOTH, tool_choice="required"), profile, [answer])
    assert (raised.value.param, raised.value.remedy) == ("tool_choice", "next")


def test_row_c1_a_call_with_words_keeps_both() -> None:
    """Contract row C1: text beside a call is the model's own, and clients read both."""
    answer = [Delta(content="I look. "), *calls(CALL)]
    outcome = asked(chat(**BOTH, tool_choice="required"), WORDS, [answer])
    assert (outcome.choice.content, len(outcome.choice.calls)) == ("I look. ", 1)


def test_row_c1_a_choice_that_is_obeyed_is_passed() -> None:
    """Contract row C1: and its calls are not held back."""
    outcome = asked(chat(**BOTH, tool_choice="required"), HELD, [calls(CALL)])
    assert outcome.sent[0].tool_choice == "required"
    assert outcome.noted == []
    assert len([delta for delta in outcome.deltas if delta.tool_calls]) > 2


@pytest.mark.parametrize("finish", ["length", "stop"])
@pytest.mark.parametrize("choice", ["required", NAMED])
def test_row_c1_thoughts_without_end_are_noticed(choice: Any, finish: Any) -> None:
    """Distributed facts 2: the constraint begins after the thinking, so the answer is asked for without it."""
    thoughts = says(reasoning="Hm. ", finish=finish)
    outcome = asked(chat(**BOTH, tool_choice=choice), HELD, [thoughts, calls(CALL)])
    _, second = outcome.sent
    assert second.chat_template_kwargs == {"enable_thinking": False}
    assert second.tool_choice == outcome.sent[0].tool_choice
    assert [call.name for call in outcome.choice.calls] == ["get_time"]


def test_row_c2_a_named_function_is_the_only_one() -> None:
    """Contract row C2: no other is in sight."""
    body = sent(WORDS, **BOTH, tool_choice=NAMED)
    assert (offered(body), body.get("tool_choice")) == (["get_time"], None)


def test_row_c2_another_function_is_no_answer() -> None:
    """Contract row C2: it is asked again, and the caller sees the named one only."""
    outcome = asked(chat(**BOTH, tool_choice=NAMED), WORDS, [calls(("get_weather", "{}")), calls(CALL)])
    assert [call.name for call in outcome.choice.calls] == ["get_time"]


def test_row_c2_where_names_are_obeyed_they_are_passed() -> None:
    """Contract row C2: all tools stay, so what is cached of the prompt holds; a repair has the named one only."""
    outcome = asked(chat(**BOTH, tool_choice=NAMED), HELD, [says("Prose."), calls(CALL)])
    first, second = outcome.sent
    assert isinstance(first.tool_choice, ToolChoice)
    assert [offered(plain(request)) for request in (first, second)] == [["get_weather", "get_time"], ["get_time"]]


def test_row_c2_without_such_a_function_there_is_nothing_to_call() -> None:
    """Contract row C2: tools that the service runs by itself cannot be demanded."""
    with pytest.raises(InvalidRequest):
        fit(chat(tools=[{"type": "web_search", "web_search": {}}], tool_choice="required"), WORDS)


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_row_c8_allowed_tools_are_the_only_ones(mode: str) -> None:
    """Contract row C8: in either mode."""
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [NAMED]}}
    body = sent(WORDS, **BOTH, tool_choice=choice)
    assert (offered(body), body.get("tool_choice")) == (["get_time"], None)
    assert ("Call one of" in body["messages"][-1]["content"]) is (mode == "required")


@pytest.mark.parametrize(("name", "tools"), [("zai", []), ("vllm", ["get_weather", "get_time"])])
def test_row_c3_none_keeps_the_history(name: str, tools: list[str]) -> None:
    """Contract row C3: tools go where the service would refuse the word, earlier calls stay."""
    call = {"id": "c", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "12:00"},
    ]
    body = sent(service(name), messages=messages, **BOTH, tool_choice="none")
    assert offered(body) == tools
    assert body.get("tool_choice") == ("none" if tools else None)
    assert body["messages"][1]["tool_calls"][0]["id"] == "c"


@pytest.mark.parametrize("profile", [WORDS, HELD])
def test_row_c3_calls_that_come_anyway_are_taken_out(profile: Any) -> None:
    """Contract row C3: the text stays, and the answer ends as text."""
    answer = [Delta(content="Words."), *calls(CALL)]
    outcome = asked(chat(**BOTH, tool_choice="none"), profile, [answer])
    assert (outcome.choice.content, outcome.choice.calls, outcome.choice.finish_reason) == ("Words.", (), "stop")


def test_row_c3_nothing_but_calls_is_an_error() -> None:
    """Contract row C3: there is nothing left to give."""
    with pytest.raises(UnsupportedValue):
        asked(chat(**BOTH, tool_choice="none"), HELD, [calls(CALL)])


def test_row_c3_what_the_service_runs_is_no_call_of_ours() -> None:
    """Contract row C3: its pieces go on."""
    native = ToolCallDelta(0, native={"type": "web_search"})
    outcome = asked(chat(**BOTH, tool_choice="none"), HELD, [[Delta(tool_calls=(native,)), *says("Words.")]])
    assert outcome.deltas[0].tool_calls == (native,)


@pytest.mark.parametrize(("name", "passed"), [("zai", None), ("vllm", None), ("ollama", None), ("openai", False)])
def test_row_c5_one_call_at_a_time(name: str, passed: bool | None) -> None:
    """Contract row C5: passed where it is obeyed, else ours; only the first call arrives in both cases."""
    outcome = asked(chat(**BOTH, parallel_tool_calls=False), service(name, "m"), [calls(CALL, ("get_weather", "{}"))])
    assert outcome.sent[0].parallel_tool_calls is passed
    assert [call.name for call in outcome.choice.calls] == ["get_time"]
    assert outcome.choice.finish_reason == "tool_calls"
    assert outcome.noted == ([] if passed is False else ["parallel_tool_calls=emulated"])


@pytest.mark.parametrize("name", ["zai", "openai"])
def test_row_c5_several_calls_are_what_happens_anyway(name: str) -> None:
    """Contract row C5: `true` changes nothing."""
    assert fitted(service(name, "m"), **BOTH, parallel_tool_calls=True).notes == ()


def test_row_c5_goes_with_a_demanded_call() -> None:
    """Contract rows C1 and C5 together, as LangChain sends them."""
    outcome = asked(
        chat(**BOTH, tool_choice="required", parallel_tool_calls=False), WORDS, [calls(CALL, ("get_weather", "{}"))]
    )
    assert [call.name for call in outcome.choice.calls] == ["get_time"]


def test_row_c7_a_named_legacy_function_is_demanded() -> None:
    """Contract row C7: and the answer ends as a function call."""
    functions = [WEATHER["function"], TIME["function"]]
    request = chat(functions=functions, function_call={"name": "get_time"})
    outcome = asked(request, WORDS, [says("Prose."), calls(CALL)])
    assert isinstance(outcome.sent[0], ChatRequest)
    assert outcome.sent[0].functions is None
    assert (outcome.choice.finish_reason, outcome.choice.calls[0].name) == ("function_call", "get_time")
