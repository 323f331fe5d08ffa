"""Calls in the history: their arguments are a JSON object, or the caller hears where they are not."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.members import plain
from tests.adaptation.requests import PROFILE, chat, fitted_chat, noted
from tests.adaptation.services import SERVICES, service

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


RAN: dict[str, Any] = {
    "id": "1",
    "type": "code_interpreter",
    "code_interpreter": {"input": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
}
TOLD = 'code_interpreter: {"input":"1+1","outputs":[{"type":"logs","logs":"2"}]}'


@pytest.mark.parametrize(("content", "told"), [(None, TOLD), ("Let me see.", f"Let me see.\n{TOLD}")])
def test_calls_of_other_tools_are_told_in_words(content: str | None, told: str) -> None:
    """Contract 7.2: the history of an agent with built-in tools is accepted, and what came out is not lost."""
    messages = with_call(RAN)
    messages[1]["content"] = content
    fitted = fit(chat(messages=messages), PROFILE)
    assert noted(fitted) == ["messages.tool_calls.code_interpreter=content"]
    (_, said, result) = getattr(fitted.request, "messages", [])
    assert (said.tool_calls, said.content) == (None, told)
    assert (result.role, result.content) == ("tool", "sunny")


def test_calls_are_told_beside_parts() -> None:
    """Where an assistant's content is a list, the words are one more part."""
    content = [{"type": "refusal", "refusal": "No."}]
    messages = [*with_call(RAN)[:1], {"role": "assistant", "content": content, "tool_calls": [RAN]}]
    body = plain(fit(chat(messages=messages), service("openai", "gpt-4o")).request)
    assert body["messages"][1]["content"] == [*content, {"type": "text", "text": TOLD}]


def test_a_call_that_says_nothing_is_left_out_and_said() -> None:
    """There are no words for it."""
    fitted = fit(chat(messages=with_call({"id": "1", "type": "web_browser"})), PROFILE)
    assert noted(fitted) == ["messages.tool_calls.web_browser=omitted"]
    assert getattr(fitted.request, "messages", [])[1].tool_calls is None


@pytest.mark.parametrize("name", ["zai", "bigmodel", "generic", "vllm"])
@pytest.mark.parametrize("model", ["glm-4-alltools", "GLM-4-AllTools-Dev", "tob-alltools-api-dev"])
def test_calls_go_back_to_models_that_run_such_tools(name: str, model: str) -> None:
    """Contract 7.2: as the client got them, with all their members."""
    body = plain(fit(chat(messages=with_call(RAN | {"more": 1})), service(name, model)).request)
    assert body["messages"][1]["tool_calls"] == [RAN | {"more": 1}]


AS_TEXT: list[dict[str, Any]] = [
    {"role": "user", "content": "List the files."},
    {"role": "assistant", "content": "arguments='{'query': 'ls'}', name='shell'"},
    {"role": "tool", "tool_call_id": "abc", "name": "shell", "content": "a.txt"},
]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "openai"])
def test_a_result_without_a_call_passes(name: str) -> None:
    """Contract 7.2: langchain_glm writes its calls as text; most services read the result all the same."""
    fitted = fit(chat(messages=AS_TEXT), service(name))
    assert [message["role"] for message in plain(fitted.request)["messages"]] == ["user", "assistant", "tool"]
    assert not [note for note in noted(fitted) if "tool_calls" in note]


@pytest.mark.parametrize(
    ("messages", "roles", "ids"),
    [
        (AS_TEXT, ["user", "assistant", "tool"], ["abc"]),
        ([AS_TEXT[0], AS_TEXT[2]], ["user", "assistant", "tool"], ["abc"]),
        ([*AS_TEXT, AS_TEXT[2] | {"tool_call_id": "def"}], ["user", "assistant", "tool", "tool"], ["abc", "def"]),
        ([AS_TEXT[0], {"role": "tool", "content": "a.txt"}], ["user", "assistant", "tool"], ["call_1"]),
    ],
    ids=["behind-text", "behind-nothing", "two", "without-id"],
)
def test_a_result_without_a_call_gets_one(messages: list[dict[str, Any]], roles: list[str], ids: list[str]) -> None:
    """Contract 7.2: OpenAI refuses a result that answers nothing; the assistant's words stay."""
    fitted = fit(chat(messages=messages), service("openai", "gpt-4o"))
    sent = plain(fitted.request)["messages"]
    assert [message["role"] for message in sent] == roles
    assert [call["id"] for call in sent[1]["tool_calls"]] == ids
    assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == ids
    assert sent[1]["content"] == (AS_TEXT[1]["content"] if messages[1]["role"] == "assistant" else "")
    assert sent[1]["tool_calls"][0]["function"]["name"] == messages[-1].get("name", "tool")
    assert [str(note) for note in fitted.notes if not note.exact] == ["messages.tool_calls=added"]


def test_results_of_calls_stay_as_they_are() -> None:
    """Also where they come in another order."""
    calls = [{"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}} for name in ("a", "b")]
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "b", "content": "1"},
        {"role": "tool", "tool_call_id": "a", "content": "2"},
    ]
    fitted = fit(chat(messages=messages), service("openai", "gpt-4o"))
    assert plain(fitted.request)["messages"] == messages
    assert noted(fitted) == []


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
