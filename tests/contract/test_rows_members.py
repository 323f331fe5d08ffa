"""Contract rows N1 and N7 to N14: members that only one of the two dialects has."""

from __future__ import annotations

from typing import Any

import pytest
from openai import BadRequestError

from tests.contract.bodies import HELLO, TOOLS, WEATHER, both, text_of
from tests.contract.conftest import MakeRow
from tests.services import Answer, ScriptedCall, ServiceName

SYSTEM: dict[str, Any] = {"role": "system", "content": "Be brief."}
LOCAL: tuple[ServiceName, ...] = ("vllm", "sglang", "llama-server")


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "llama-server", "ollama"])
async def test_n1_several_choices(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N1: as many as asked for, each whole, with the sum of their usage."""
    async with row(name) as it:
        told = await it.stage.chat(n=3, streamed=streamed)
        assert dict(told.texts) == dict.fromkeys(range(3), "Hello from the service.")
        assert set(told.finish) == {0, 1, 2}
        alone = (await it.stage.chat(streamed=streamed)).usage.completion_tokens
        assert told.usage.completion_tokens == 3 * alone


@both
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_n1_several_greedy_choices(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N1: also where the service makes only one at temperature 0, as vLLM does (recorded)."""
    async with row(name) as it:
        told = await it.stage.chat(n=2, temperature=0, streamed=streamed)
        assert dict(told.texts) == dict.fromkeys(range(2), "Hello from the service.")


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "llama-server", "generic", "ollama"])
async def test_n7_developer_is_system(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N7: where the role is unknown."""
    async with row(name) as it:
        await it.stage.chat(messages=[{"role": "developer", "content": "Be brief."}, *HELLO], streamed=streamed)
        assert it.service.last.body["messages"][0] == SYSTEM


async def test_n7_developer_stays_at_openai(row: MakeRow) -> None:
    """N7: where it is known, it stays or becomes system; both are understood."""
    async with row("openai") as it:
        await it.stage.chat(messages=[{"role": "developer", "content": "Be brief."}, *HELLO])
        assert it.service.last.body["messages"][0]["role"] in {"developer", "system"}


@both
async def test_n8_several_system_messages(row: MakeRow, streamed: bool) -> None:
    """N8: they stay where they are."""
    messages = [SYSTEM, *HELLO, {"role": "system", "content": "And kind."}, *HELLO]
    async with row() as it:
        await it.stage.chat(messages=messages, streamed=streamed)
        assert [message["role"] for message in it.service.last.body["messages"]] == ["system", "user", "system", "user"]


@both
async def test_n8_templates_with_one_system_message(row: MakeRow, streamed: bool) -> None:
    """N8: for models whose template takes one at the front, they are put there together."""
    messages = [SYSTEM, *HELLO, {"role": "system", "content": "And kind."}, *HELLO]
    async with row("vllm") as it:
        await it.stage.chat(model="qwen3-8b", messages=messages, streamed=streamed)
        sent = it.service.last.body["messages"]
        assert [message["role"] for message in sent].count("system") == 1
        assert "Be brief." in sent[0]["content"]
        assert "And kind." in text_of(it.service.last.body)


@both
@pytest.mark.parametrize("messages", [[SYSTEM], [{"role": "developer", "content": "Be brief."}]])
async def test_n9_only_a_system_message(row: MakeRow, messages: Any, streamed: bool) -> None:
    """N9: a turn of the user is added."""
    async with row() as it:
        told = await it.stage.chat(messages=messages, streamed=streamed)
        assert told.text == "Hello from the service."
        assert [message["role"] for message in it.service.last.body["messages"]] == ["system", "user"]


@both
@pytest.mark.parametrize("user", ["bob", "somebody", "x" * 200, "名字"])
@pytest.mark.parametrize("member", ["user", "safety_identifier"])
async def test_n10_users(row: MakeRow, member: str, user: str, streamed: bool) -> None:
    """N10: user_id within its bounds, always the same for the same user."""
    async with row() as it:
        for _ in range(2):
            await it.stage.chat(**{member: user}, streamed=streamed)
        first, second = (body["user_id"] for body in it.service.bodies)
        assert first == second
        assert 6 <= len(first) <= 128
        if user == "somebody":
            assert first == "somebody"
        await it.stage.chat(**{member: user + "2"}, streamed=streamed)
        assert it.service.last.body["user_id"] != first


@both
@pytest.mark.parametrize("name", ["vllm", "openai", "generic"])
async def test_n10_user_id_is_user_elsewhere(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N10, from GLM's side."""
    async with row(name) as it:
        await it.stage.chat(user_id="somebody", streamed=streamed)
        assert it.service.last.body.get("user") == "somebody"


@both
@pytest.mark.parametrize("name", ["zai", "bigmodel", "vllm", "sglang", "openai"])
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("metadata", {"a": "b"}),
        ("store", False),
        ("service_tier", "auto"),
        ("prediction", {"type": "content", "content": "Hello"}),
        ("verbosity", "low"),
        ("modalities", ["text"]),
        ("prompt_cache_key", "a"),
    ],
)
async def test_n11_openais_own_members(
    row: MakeRow, name: ServiceName, member: str, value: Any, streamed: bool
) -> None:
    """N11: accepted; passed where they are known, kept out and reported elsewhere, unless they mean nothing there."""
    async with row(name) as it:
        told = await it.stage.chat(**{member: value}, streamed=streamed)
        assert told.text == "Hello from the service."
        if name == "openai":
            assert it.service.last.body[member] == value


@both
async def test_n11_prediction_is_told(row: MakeRow, streamed: bool) -> None:
    """N11: what could change an answer and is kept out stands in the report."""
    async with row() as it:
        told = await it.stage.chat(verbosity="low", streamed=streamed)
        assert told.noted("verbosity") == "omitted"


@both
async def test_n11_web_search(row: MakeRow, streamed: bool) -> None:
    """N11: web_search_options is GLM's web_search tool, which gives its results only when asked to."""
    async with row() as it:
        await it.stage.chat(web_search_options={"search_context_size": "medium"}, streamed=streamed)
        (found,) = it.service.last.body["tools"]
        assert found["type"] == "web_search"
        assert found["web_search"]["enable"] is True
        assert found["web_search"]["search_result"] is True


@both
@pytest.mark.parametrize(
    ("model", "effort", "thinking", "sent"),
    [
        ("glm-4.6", "none", "disabled", None),
        ("glm-4.6", "minimal", "disabled", None),
        ("glm-4.6", "low", "enabled", None),
        ("glm-4.5", "high", "enabled", None),
        ("glm-5.2", "high", None, "high"),
        ("glm-5.2", "medium", None, "medium"),
        ("glm-5.3", "none", None, "low"),
        ("glm-5.3", "low", None, "low"),
        ("glm-5.3", "medium", None, "high"),
        ("glm-5.3", "xhigh", None, "max"),
    ],
)
async def test_n12_efforts(
    row: MakeRow, model: str, effort: Any, thinking: str | None, sent: str | None, streamed: bool
) -> None:
    """N12: in the words of the model's family, or as thinking on and off."""
    async with row() as it:
        await it.stage.chat(model=model, reasoning_effort=effort, streamed=streamed)
        body = it.service.last.body
        assert body.get("reasoning_effort") == sent
        if thinking is not None:
            assert body["thinking"]["type"] == thinking
        assert (body.get("thinking") or {}).get("type") in {thinking, None, "enabled"}


@both
@pytest.mark.parametrize("name", [*LOCAL, "ollama"])
@pytest.mark.parametrize(
    "off",
    [
        {"thinking": {"type": "disabled"}},
        {"reasoning_effort": "none"},
        {"chat_template_kwargs": {"enable_thinking": False}},
    ],
)
async def test_n12_thinking_is_turned_off_everywhere(row: MakeRow, name: ServiceName, off: Any, streamed: bool) -> None:
    """N12: three ways of saying it have one meaning on every service."""
    async with row(name) as it:
        told = await it.stage.chat(**off, streamed=streamed)
        assert (told.text, told.reasoning) == ("Hello from the service.", "")


@both
@pytest.mark.parametrize("off", [{"reasoning_effort": "none"}, {"chat_template_kwargs": {"enable_thinking": False}}])
async def test_n12_thinking_is_turned_off_at_glm(row: MakeRow, off: Any, streamed: bool) -> None:
    """N12: OpenAI's and vLLM's way of saying it, at Z.AI."""
    async with row() as it:
        told = await it.stage.chat(**off, streamed=streamed)
        assert told.reasoning == ""
        assert it.service.last.body["thinking"]["type"] == "disabled"


@both
@pytest.mark.parametrize("name", ["zai", "zai-coding", "bigmodel"])
async def test_n13_a_small_limit_is_not_eaten(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N13: thinking is turned off and reported; the caller's limit stays what it is."""
    async with row(name) as it:
        it.service.answer_with(Answer("One two three four", reasoning="Long " * 40))
        told = await it.stage.chat(max_tokens=20, streamed=streamed)
        assert told.text == "One two three four"
        assert it.service.last.body["max_tokens"] == 20
        assert it.service.last.body["thinking"]["type"] == "disabled"
        assert told.noted("thinking")


@both
async def test_n13_who_asks_for_thinking_gets_it(row: MakeRow, streamed: bool) -> None:
    """N13: what the caller says himself is not overruled, nor is a large limit looked at."""
    async with row() as it:
        told = await it.stage.chat(max_tokens=8_000, streamed=streamed)
        assert told.reasoning == "A short thought. "
        assert (it.service.last.body.get("thinking") or {}).get("type") != "disabled"


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "sglang", "llama-server", "ollama"])
async def test_n14_text_and_reasoning_are_apart(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N14: content has the text alone; reasoning is in reasoning_content, whatever the service calls it."""
    async with row(name) as it:
        told = await it.stage.chat(streamed=streamed)
        assert (told.text, told.reasoning) == ("Hello from the service.", "A short thought. ")
        assert told.usage.completion_tokens_details.reasoning_tokens == 3


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "sglang", "llama-server", "ollama"])
async def test_n14_reasoning_goes_back_in(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N14: what a caller keeps of it reaches the model under the name that the service reads."""
    told = [*HELLO, {"role": "assistant", "content": "Hi", "reasoning_content": "My thought"}, *HELLO]
    async with row(name) as it:
        await it.stage.chat(messages=told, streamed=streamed)
        member = "reasoning" if name in {"vllm", "ollama"} else "reasoning_content"
        assert it.service.last.body["messages"][1][member] == "My thought"


@both
async def test_n14_reasoning_that_the_application_dropped(row: MakeRow, streamed: bool) -> None:
    """N14: it is attached again, exactly as the model said it, and the report says so."""
    async with row() as it:
        first = await it.stage.chat(streamed=streamed)
        history = [*HELLO, {"role": "assistant", "content": first.text}, {"role": "user", "content": "Go on"}]
        second = await it.stage.chat(messages=history, streamed=streamed)
        assert it.service.last.body["messages"][1]["reasoning_content"] == "A short thought. "
        assert any("reasoning" in note for note in second.notes)
        await it.stage.chat(messages=history, streamed=streamed, headers={"x-glmgate-remember": "off"})
        assert "reasoning_content" not in it.service.last.body["messages"][1]


@both
@pytest.mark.parametrize("name", ["zai", "bigmodel", "vllm", "ollama"])
async def test_n14_tool_loops(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N14: an application that answers a call without the thoughts before it loses nothing (peers 2.2)."""
    async with row(name) as it:
        it.service.answer_with(Answer("", "I have to look. ", calls=(ScriptedCall("get_weather", {"city": "Rome"}),)))
        stage = it.stage
        chats: Any = stage.client().chat.completions
        if streamed:
            async with chats.stream(model="glm-4.6", messages=HELLO, tools=[WEATHER]) as stream:
                message = (await stream.get_final_completion()).choices[0].message
        else:
            message = (await chats.create(model="glm-4.6", messages=HELLO, tools=TOOLS)).choices[0].message
        (call,) = message.tool_calls
        said = {"id": call.id, "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}
        history = [
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": [said]},
            {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"},
        ]
        await stage.chat(messages=history, tools=TOOLS)
        member = "reasoning" if name in {"vllm", "ollama"} else "reasoning_content"
        assert it.service.last.body["messages"][1][member] == "I have to look. "


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_nulls_are_absent(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """Contract 0.6: two official clients send nulls on every call; no service sees one."""
    members = (
        *("thinking", "response_format", "temperature", "top_p", "max_tokens", "stop", "tools", "tool_choice", "n"),
        *("seed", "user", "logprobs", "logit_bias", "stream_options", "reasoning_effort", "metadata", "do_sample"),
        *("request_id", "user_id", "tool_stream", "parallel_tool_calls", "functions", "unheard_of"),
    )
    body = {"model": "glm-4.6", "messages": HELLO, "stream": streamed} | dict.fromkeys(members)
    async with row(name) as it:
        reply = await it.stage.post("/v1/chat/completions", body)
        assert reply.status == 200
        assert "x-glmgate-adaptations" not in reply.headers
        assert all(value is not None for value in it.service.last.body.values())


@both
@pytest.mark.parametrize("path", ["top", "message", "tool"])
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_members_that_nobody_knows(row: MakeRow, name: ServiceName, path: str, streamed: bool) -> None:
    """The promise: passed, in the report, or refused; never dropped in silence."""
    message: dict[str, Any] = {"role": "user", "content": "Hello"}
    body: dict[str, Any] = {"model": "glm-4.6", "messages": [message], "stream": streamed}
    if path == "top":
        body["unheard_of"] = 1
    elif path == "message":
        message["unheard_of"] = 1
    else:
        function = {"name": "f", "description": "", "parameters": {"type": "object"}, "unheard_of": 1}
        body["tools"] = [{"type": "function", "function": function}]
    async with row(name) as it:
        it.complains = True
        reply = await it.stage.post("/v1/chat/completions", body)
        seen = [heard for heard in it.service.requests if "unheard_of" in str(heard.body)]
        reported = "unheard_of" in reply.headers.get("x-glmgate-adaptations", "") + reply.body.decode()
        assert seen or reported
        assert reply.status in {200, 400}


async def test_an_unknown_model_member_is_refused_in_strict_mode(row: MakeRow) -> None:
    """Strict: what is kept out is a 400 that names the field."""
    async with row() as it:
        with pytest.raises(BadRequestError) as raised:
            await it.stage.chat(verbosity="low", glmgate={"strict": True})
        assert raised.value.param == "verbosity"
