"""What clients send beside the plain case: nulls, unknown members, other spellings, every base path (contract 8.8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.asking import ask
from tests.stories.bodies import CALM, HELLO, TOOLS, WEATHER, chat
from tests.stories.served import Served, reply_of

pytestmark = pytest.mark.engine

BASES = ("/api/paas/v4", "/api/coding/paas/v4", "/v1", "/v4", "/api/v1")
OPTIONAL = (
    *("stream", "stream_options", "thinking", "reasoning_effort", "do_sample", "temperature", "top_p", "max_tokens"),
    *("max_completion_tokens", "stop", "seed", "n", "tools", "tool_choice", "parallel_tool_calls", "tool_stream"),
    *("response_format", "logprobs", "top_logprobs", "logit_bias", "frequency_penalty", "presence_penalty", "user"),
    *("user_id", "request_id", "functions", "function_call", "chat_template_kwargs", "glmgate", "meta", "extra"),
    *("sensitive_word_check", "watermark_enabled", "metadata", "store", "service_tier", "prediction", "modalities"),
    *("prompt_cache_key", "safety_identifier", "verbosity", "web_search_options", "audio"),
)
UNKNOWN: dict[str, Any] = {
    "metadata": {"a": "b"},
    "store": False,
    "service_tier": "auto",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "verbosity": "low",
    "some_new_member": {"deep": [1, {"x": None}]},
    "sensitive_word_check": {"type": "ALL", "status": "ENABLE"},
    "meta": {"user_info": "u", "bot_info": "b", "user_name": "n", "bot_name": "m"},
}


@pytest.mark.parametrize("base", BASES)
def test_every_base_path(served: Served, base: str) -> None:
    """Each serves the same handlers (contract 1.4)."""
    assert reply_of(served, chat(), base=base).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "//v1//chat//completions",
        "/v1/chat/completions/",
        "/api/paas/v4//chat/completions",
        "//api/paas/v4/chat/completions",
    ],
)
def test_slashes_do_not_matter(served: Served, path: str) -> None:
    """A base URL with a slash at its end gives two; none is redirected, because GLM's SDKs do not follow."""
    assert ask(served.place, "POST", path, chat()).status == 200


@pytest.mark.parametrize("path", ["/v1/models", "//v1//models/", "/api/paas/v4/models"])
def test_a_content_type_on_get(served: Served, path: str) -> None:
    """GLM's SDKs send it on every request (contract 1.1)."""
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    reply = ask(served.place, "GET", path, headers=headers)
    assert reply.status == 200
    assert reply.json["object"] == "list"


def test_nulls_are_absent(served: Served) -> None:
    """Every optional member as null gives the answer that there is without them (contract 0.6)."""
    body = {"model": "glm-4.6", "messages": HELLO}
    nulls = reply_of(served, body | dict.fromkeys(OPTIONAL) | {"max_tokens": 24, "temperature": 0})
    assert nulls.status == 200, nulls.body
    assert nulls.json["choices"] == reply_of(served, chat()).json["choices"]


@pytest.mark.parametrize("member", OPTIONAL)
def test_each_null_alone(served: Served, member: str) -> None:
    """None of them depends on another being null."""
    reply = reply_of(served, chat(max_tokens=1) | {member: None})
    assert reply.status == 200, reply.body


def test_nulls_below_the_top(served: Served) -> None:
    """In messages, tools, formats and switches too."""
    message = HELLO[0] | dict.fromkeys(["name", "tool_calls", "tool_call_id", "reasoning_content", "function_call"])
    function = TOOLS[0]["function"] | {"strict": None}
    body = chat(
        messages=[message],
        tools=[{"type": "function", "function": function, "web_search": None}],
        thinking={"type": "disabled", "clear_thinking": None},
        response_format={"type": "text", "json_schema": None},
        stream_options={"include_usage": None},
    )
    reply = reply_of(served, body)
    assert reply.status == 200, reply.body


def test_unknown_members_are_taken(served: Served) -> None:
    """What a newer SDK sends does not stop an answer (contract N11)."""
    reply = reply_of(served, chat(**UNKNOWN))
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("member", UNKNOWN)
def test_unknown_members_are_reported(served: Served, member: str) -> None:
    """None is dropped in silence: what nobody acts upon stands in the report."""
    reply = reply_of(served, chat(max_tokens=1, **{member: UNKNOWN[member]}))
    assert reply.status == 200, reply.body
    assert member in reply.headers.get("x-glmgate-adaptations", "") + json.dumps(reply.json.get("glmgate", {}))


def test_unknown_members_below_the_top_are_taken(served: Served) -> None:
    """In messages and tools too."""
    tool = TOOLS[0] | {"cache_control": {"type": "ephemeral"}}
    reply = reply_of(served, chat(messages=[HELLO[0] | {"cache": True}], tools=[tool], **CALM))
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("name", ["GLM-4.6", "GLM-4-Plus", "Glm-4.5-Air", "GPT-4O", "glmgate-tiny", "GLMGATE-TINY"])
def test_case_of_names_does_not_matter(served: Served, name: str) -> None:
    """`GLM-4-Plus` is common in users' code (contract 3.1)."""
    assert reply_of(served, chat(model=name, max_tokens=1)).json["model"] == "glmgate-tiny"


@pytest.mark.parametrize(
    "choice", ["none", "auto", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
@pytest.mark.parametrize("base", ["/v1", "/api/paas/v4"])
def test_every_tool_choice_is_enforced(served: Served, choice: Any, base: str) -> None:
    """`none` never calls, `required` and a name always do, `auto` may; no markup is left in the text."""
    body = chat(messages=HELLO, tools=TOOLS, tool_choice=choice, max_tokens=120, **CALM)
    (only,) = reply_of(served, body, base=base).json["choices"]
    called = bool(only["message"].get("tool_calls"))
    assert called is (only["finish_reason"] == "tool_calls")
    if choice != "auto":
        assert called is (choice != "none")
    assert "<tool_call>" not in (only["message"]["content"] or "")


def test_no_tools_are_no_tools(served: Served) -> None:
    """An empty list and a choice about it are dropped (contract C4)."""
    assert reply_of(served, chat(tools=[], tool_choice="auto")).status == 200


def test_built_in_tools_are_taken_and_not_offered(served: Served) -> None:
    """As LangChain's agents send them: the answer has no such call, and says that they were left out (contract 7.2)."""
    tools = [
        {"type": "code_interpreter", "code_interpreter": {"sandbox": "none"}},
        {"type": "web_browser"},
        {"type": "drawing_tool"},
    ]
    reply = reply_of(served, chat(tools=tools), base="/api/paas/v4")
    assert reply.status == 200, reply.body
    assert not reply.json["choices"][0]["message"].get("tool_calls")
    assert "tools" in reply.headers["x-glmgate-adaptations"]


def histories() -> Iterator[object]:
    """Conversations that some client sends."""
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"location": "Beijing"}'}}
    result = {"role": "tool", "tool_call_id": "c1", "content": "Sunny"}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    yield pytest.param([*WEATHER, asked, result], id="a call and its result")
    yield pytest.param([*WEATHER, asked | {"content": ""}, result], id="an empty text with a call")
    parts = result | {"content": [{"type": "text", "text": "Sunny"}]}
    yield pytest.param([*WEATHER, asked, parts], id="a result in parts")
    yield pytest.param([*WEATHER, {"role": "assistant", "content": "arguments=''"}, result], id="a result of no call")
    code = {"id": "c1", "type": "code_interpreter", "code_interpreter": {"input": "1+1"}}
    yield pytest.param([*WEATHER, asked | {"tool_calls": [code]}, result], id="code and what came out")
    yield pytest.param([*WEATHER, *WEATHER], id="two questions")
    yield pytest.param([{"role": "developer", "content": "Be kind"}, *HELLO], id="a developer")
    yield pytest.param([*HELLO, {"role": "system", "content": "Be kind"}], id="a system message at the end")
    yield pytest.param([{"role": "system", "content": "Be kind"}], id="only a system message")
    yield pytest.param([{"role": "user", "content": [{"type": "text", "text": "Hello"}]}], id="parts")
    yield pytest.param([{"role": "user", "content": "Hello", "name": "ann"}], id="a name")
    thought = {"role": "assistant", "content": "Hi", "reasoning_content": "Let me see"}
    yield pytest.param([*HELLO, thought, *HELLO], id="reasoning in the history")


@pytest.mark.parametrize("messages", list(histories()))
@pytest.mark.parametrize("base", ["/v1", "/api/paas/v4"])
def test_histories(served: Served, messages: list[dict[str, Any]], base: str) -> None:
    """Each is answered on both surfaces."""
    reply = reply_of(served, chat(messages=messages, max_tokens=4), base=base)
    assert reply.status == 200, reply.body


def test_the_callers_own_request_id(served: Served) -> None:
    """It names the answer on GLM's surface (contract 3.1)."""
    answer = reply_of(served, chat(request_id="my-request-1"), base="/api/paas/v4").json
    assert (answer["id"], answer["request_id"]) == ("my-request-1", "my-request-1")


def test_the_tokenizer_counts_what_a_prompt_has(served: Served) -> None:
    """The count is the one that usage shows for the same messages (contract 4.3)."""
    counted = reply_of(served, {"model": "glm-4.6", "messages": HELLO}, base="/api/paas/v4", path="/tokenizer").json
    assert counted["usage"]["prompt_tokens"] == reply_of(served, chat()).json["usage"]["prompt_tokens"]


@pytest.mark.parametrize("base", ["/v1", "/api/paas/v4"])
def test_greedy_by_do_sample(served: Served, base: str) -> None:
    """`do_sample: false` wins over the temperature (contract 1.2)."""
    answer = reply_of(served, chat(do_sample=False, temperature=1.0), base=base).json
    assert answer["choices"] == reply_of(served, chat(), base=base).json["choices"]
