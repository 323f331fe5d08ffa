"""Contract rows C1 to C10: tools, and who must call which."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import APIError, APIStatusError

from tests.contract.bodies import HELLO, NAMED, TIME, TOOLS, WEATHER, both, names_of, tool
from tests.contract.conftest import MakeRow
from tests.services import Answer, ScriptedCall, ServiceName

OSLO = ScriptedCall("get_weather", {"city": "Oslo"})
CALLS = Answer("", calls=(OSLO,))
PROSE = Answer("I would rather talk.")
CALLED = [("function", "get_weather", '{"city": "Oslo"}')]
ALL: tuple[ServiceName, ...] = ("zai", "bigmodel", "zai-coding", "openai", "vllm", "sglang", "llama-server", "ollama")


@both
@pytest.mark.parametrize("name", ALL)
async def test_c1_required_with_a_willing_model(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C1: a call comes, and no service sees a choice that it refuses or ignores."""
    async with row(name) as it:
        it.service.answer_with(CALLS, always=True)
        told = await it.stage.chat(tools=TOOLS, tool_choice="required", streamed=streamed)
        assert told.calls == CALLED
        assert told.ending == "tool_calls"


@both
@pytest.mark.parametrize("name", ["zai", "ollama"])
async def test_c1_required_with_a_model_that_talks_first(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C1: its prose never reaches the caller; it is asked once more, and usage is the sum of both calls."""
    async with row(name) as it:
        it.service.answer_with(PROSE, CALLS)
        told = await it.stage.chat(tools=TOOLS, tool_choice="required", streamed=streamed)
        assert told.calls == CALLED
        assert told.text == ""
        assert len(it.service.requests) == 2
        assert told.usage.prompt_tokens == 20
        assert told.noted("tool_choice")


@both
@pytest.mark.parametrize("name", ["zai", "ollama"])
async def test_c1_required_with_a_model_that_never_calls(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C1: in the end an error, never prose with 200."""
    async with row(name, fresh=True) as it:
        it.service.answer_with(PROSE, always=True)
        with pytest.raises(APIError):
            await it.stage.chat(tools=TOOLS, tool_choice="required", streamed=streamed)
        assert 2 <= len(it.service.requests) <= 4


@both
@pytest.mark.parametrize("name", ALL)
async def test_c2_a_named_tool(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C2: a call of that tool; a model that would like another one is not offered it or not heard."""
    other = ScriptedCall("get_time", {"city": "Rome"})
    async with row(name) as it:
        it.service.answer_with(Answer("", calls=(other, OSLO)), always=True)
        told = await it.stage.chat(tools=TOOLS, tool_choice=NAMED, streamed=streamed)
        assert told.calls == CALLED
        if it.service.kind.errors == "glm":
            assert names_of(it.service.last.body) == ["get_weather"]


@both
@pytest.mark.parametrize("name", ALL)
async def test_c3_no_tool(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C3: a model that would call does not."""
    async with row(name) as it:
        it.service.answer_with(Answer("Just words.", calls=(OSLO,)), always=True)
        told = await it.stage.chat(tools=TOOLS, tool_choice="none", streamed=streamed)
        assert (told.text, told.calls, told.ending) == ("Just words.", [], "stop")


@both
async def test_c3_no_tool_keeps_the_history(row: MakeRow, streamed: bool) -> None:
    """C3: earlier calls and their results stay."""
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    told = [
        *HELLO,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
    ]
    async with row() as it:
        await it.stage.chat(messages=told, tools=TOOLS, tool_choice="none", streamed=streamed)
        body = it.service.last.body
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool"]
        assert body["messages"][1]["tool_calls"][0]["id"] == "call_1"


@both
@pytest.mark.parametrize("name", ["zai", "vllm"])
@pytest.mark.parametrize("members", [{"tool_choice": "auto"}, {"tool_choice": "auto", "tools": []}, {"tools": []}])
async def test_c4_a_choice_without_tools(
    row: MakeRow, name: ServiceName, members: dict[str, Any], streamed: bool
) -> None:
    """C4: both are left out."""
    async with row(name) as it:
        told = await it.stage.chat(**members, streamed=streamed)
        assert told.text == "Hello from the service."
        assert not {"tools", "tool_choice"} & it.service.last.body.keys()


@both
@pytest.mark.parametrize("name", ALL)
async def test_c5_one_call_at_a_time(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C5: only the first call of a model that makes two."""
    async with row(name) as it:
        it.service.answer_with(Answer("", calls=(OSLO, ScriptedCall("get_time", {"city": "Oslo"}))))
        told = await it.stage.chat(tools=TOOLS, parallel_tool_calls=False, streamed=streamed)
        assert told.calls == CALLED
        assert told.ending == "tool_calls"


@both
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_several_calls_come_as_they_are(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C5, the other way round: unless it is asked for, no call is lost."""
    async with row(name) as it:
        it.service.answer_with(Answer("", calls=(OSLO, ScriptedCall("get_time", {"city": "Oslo"}))))
        told = await it.stage.chat(tools=TOOLS, streamed=streamed)
        assert [call[1] for call in told.calls] == ["get_weather", "get_time"]


@both
async def test_c6_bare_functions_are_filled_up(row: MakeRow, streamed: bool) -> None:
    """C6: description and parameters get neutral values, `strict` is kept out."""
    bare: Any = {"type": "function", "function": {"name": "get_weather"}}
    async with row() as it:
        it.service.answer_with(Answer("", calls=(ScriptedCall("get_weather", {}),)))
        told = await it.stage.chat(tools=[bare], streamed=streamed)
        assert told.calls == [("function", "get_weather", "{}")]
        function = it.service.last.body["tools"][0]["function"]
        assert function["description"] == ""
        assert function["parameters"] == {"type": "object", "properties": {}}
        await it.stage.chat(tools=[tool("get_weather", strict=True)], streamed=streamed)
        assert "strict" not in it.service.last.body["tools"][0]["function"]


@both
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_c7_legacy_functions(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C7: functions go out as tools, and the call comes back as function_call."""
    history: list[Any] = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": {"name": "get_time", "arguments": "{}"}},
        {"role": "function", "name": "get_time", "content": "12:00"},
    ]
    functions = [each["function"] for each in TOOLS]
    async with row(name) as it:
        it.service.answer_with(CALLS)
        client = it.stage.client()
        members: Any = {"model": "glm-4.6", "messages": history, "functions": functions}
        if streamed:
            chunks = [chunk async for chunk in await client.chat.completions.create(**members, stream=True)]
            pieces = [chunk.choices[0].delta.function_call for chunk in chunks if chunk.choices]
            told = "".join(piece.arguments or "" for piece in pieces if piece)
            ending = chunks[-1].choices[0].finish_reason
        else:
            answer = await client.chat.completions.create(**members)
            told, ending = answer.choices[0].message.function_call.arguments, answer.choices[0].finish_reason
        assert (told, ending) == ('{"city": "Oslo"}', "function_call")
        body = it.service.last.body
        assert names_of(body) == ["get_weather", "get_time"]
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool"]
        assert body["messages"][2]["tool_call_id"] == body["messages"][1]["tool_calls"][0]["id"]


@both
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_c7_a_named_legacy_function(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C7: function_call with a name is a forced call."""
    async with row(name) as it:
        it.service.answer_with(CALLS, always=True)
        body = {
            "model": "glm-4.6",
            "messages": HELLO,
            "functions": [each["function"] for each in TOOLS],
            "function_call": {"name": "get_weather"},
            "stream": streamed,
        }
        reply = await it.stage.post("/v1/chat/completions", body)
        assert reply.status == 200
        chunks = reply.stream.chunks if streamed else [reply.json]
        said = [choice.get("delta") or choice.get("message") for chunk in chunks for choice in chunk["choices"]]
        calls = [each["function_call"] for each in said if each.get("function_call")]
        assert calls[0]["name"] == "get_weather"
        assert "".join(call.get("arguments") or "" for call in calls) == '{"city": "Oslo"}'


@both
async def test_c8_custom_tools(row: MakeRow, streamed: bool) -> None:
    """C8: a function with one text goes out, and its call comes back as the custom one."""
    custom: Any = {"type": "custom", "custom": {"name": "run", "description": "Runs code"}}
    async with row() as it:

        def code(body: Any) -> Answer:
            (member,) = body["tools"][0]["function"]["parameters"]["properties"]
            return Answer("", calls=(ScriptedCall("run", {member: "print(1)"}),))

        it.service.answer_with(code)
        members = {"model": "glm-4.6", "messages": HELLO, "tools": [custom], "stream": streamed}
        reply = await it.stage.post("/v1/chat/completions", members)
        assert reply.status == 200
        if streamed:
            pieces = [
                piece["custom"]
                for chunk in reply.stream.chunks
                for choice in chunk["choices"]
                for piece in choice["delta"].get("tool_calls") or ()
            ]
            assert "".join(piece.get("input") or "" for piece in pieces) == "print(1)"
            return
        (call,) = reply.json["choices"][0]["message"]["tool_calls"]
        assert (call["type"], call["custom"]) == ("custom", {"name": "run", "input": "print(1)"})


@both
@pytest.mark.parametrize("mode", ["auto", "required"])
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_c8_allowed_tools(row: MakeRow, name: ServiceName, mode: str, streamed: bool) -> None:
    """C8: only the allowed ones are offered, in their mode."""
    choice: Any = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [NAMED]}}
    async with row(name) as it:
        it.service.answer_with(CALLS, always=True)
        told = await it.stage.chat(tools=[TIME, WEATHER], tool_choice=choice, streamed=streamed)
        assert told.calls == CALLED
        assert names_of(it.service.requests[0].body) == ["get_weather"]


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_c9_histories_of_openai_applications(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """C9: null content beside calls, texts in parts, several turns of one role."""
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    history: Any = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": " there"}]},
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "12 degrees"}]},
    ]
    async with row(name) as it:
        told = await it.stage.chat(messages=history, tools=TOOLS, streamed=streamed)
        assert told.text == "Hello from the service."
        body = it.service.last.body
        text = json.dumps(body["messages"])
        assert all(each in text for each in ("Be brief.", "Hello", " there", "How is the weather?", "12 degrees"))
        if name == "zai":
            assert all(isinstance(message["content"], str) for message in body["messages"])


@pytest.mark.parametrize(
    ("model", "seen"), [("glm-4.6", True), ("glm-5.2", True), ("glm-4.5", None), ("glm-4-plus", None)]
)
async def test_c10_calls_are_streamed_in_pieces(row: MakeRow, model: str, seen: bool | None) -> None:
    """C10: tool_stream is sent where the model has it; the caller sees index, id and type on the first piece."""
    async with row() as it:
        it.service.answer_with(CALLS)
        told = await it.stage.chat(model=model, tools=TOOLS, streamed=True)
        assert it.service.last.body.get("tool_stream") is seen
        assert told.calls == CALLED
        pieces = [piece for chunk in told.chunks for choice in chunk.choices for piece in choice.delta.tool_calls or ()]
        assert all(piece.index == 0 for piece in pieces)
        assert [piece.id is not None for piece in pieces] == [True] + [False] * (len(pieces) - 1)
        assert (len(pieces) > 2) is bool(seen)


@pytest.mark.parametrize(("asked", "count"), [(None, 1), (False, 1), (True, 5)])
async def test_c10_glms_surface_gives_calls_as_they_are_asked_for(row: MakeRow, asked: bool | None, count: int) -> None:
    """C10: there each call is whole in one chunk unless `tool_stream` is set, however it came."""
    async with row() as it:
        it.service.answer_with(CALLS)
        members = {} if asked is None else {"tool_stream": asked}
        told = await it.stage.chat(tools=TOOLS, base="/api/paas/v4", streamed=True, **members)
        assert told.calls == CALLED
        pieces = [piece for chunk in told.chunks for choice in chunk.choices for piece in choice.delta.tool_calls or ()]
        assert len(pieces) == count


@both
async def test_c1_an_attempt_fails_within_an_emulation(row: MakeRow, streamed: bool) -> None:
    """C1: each of its calls is an attempt of its own, which is tried again; usage counts what was answered."""
    async with row(fresh=True) as it:
        it.service.fail_with(500, code="1234")
        it.service.answer_with(PROSE, CALLS)
        told = await it.stage.chat(tools=TOOLS, tool_choice="required", streamed=streamed)
        assert told.calls == CALLED
        assert (len(it.service.requests), told.usage.prompt_tokens) == (3, 20)


@pytest.mark.parametrize("name", ["vllm", "sglang", "ollama", "openai"])
async def test_c10_pieces_of_other_services(row: MakeRow, name: ServiceName) -> None:
    """C10: arguments are there from the first piece on, also where the service leaves them out."""
    async with row(name) as it:
        it.service.answer_with(CALLS)
        reply = await it.stage.post(
            "/v1/chat/completions", {"model": "glm-4.6", "messages": HELLO, "tools": TOOLS, "stream": True}
        )
        pieces = [
            piece
            for chunk in reply.stream.chunks
            for choice in chunk["choices"]
            for piece in choice["delta"].get("tool_calls") or ()
        ]
        assert isinstance(pieces[0]["function"]["arguments"], str)
        assert "".join(piece["function"]["arguments"] for piece in pieces) == '{"city": "Oslo"}'


async def test_a_tool_that_cannot_be_said(row: MakeRow) -> None:
    """C8, at its edge: a tool type that nobody knows is refused in strict mode, not dropped in silence."""
    strange: Any = {"type": "teleport", "teleport": {}}
    async with row() as it:
        with pytest.raises(APIStatusError) as raised:
            await it.stage.chat(tools=[strange], glmgate={"strict": True})
        assert raised.value.status_code == 400
