"""Tools that a service runs itself, through the whole chain (contract 0.4, 3.4 and 7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from openai import APIStatusError

from tests.contract.bodies import HELLO, WEATHER, both
from tests.contract.conftest import MakeRow, Row
from tests.contract.stage import CHAT
from tests.services import Answer, Break, ScriptedCall, ScriptedTool, ServiceName

HAVE_THEM: tuple[ServiceName, ...] = ("zai", "bigmodel", "zai-coding", "generic")
HAVE_NONE: tuple[ServiceName, ...] = ("openai", "vllm", "sglang", "llama-server", "ollama")
BASES = pytest.mark.parametrize("base", ["/v1", "/api/paas/v4"])
MODEL = "glm-4-alltools"

AUTO: dict[str, Any] = {"type": "code_interpreter", "code_interpreter": {"sandbox": "auto"}}
NONE: dict[str, Any] = {"type": "code_interpreter", "code_interpreter": {"sandbox": "none"}}
BROWSER: dict[str, Any] = {"type": "web_browser"}
DRAWING: dict[str, Any] = {"type": "drawing_tool"}

CODE = ScriptedTool("code_interpreter", "print(6 * 7)", ({"type": "logs", "logs": "42\n"},), more={"of_theirs": [1]})
PAGE = {"title": "Oslo", "link": "https://oslo.test", "content": "Rain.", "rank": 1}
SEARCH = ScriptedTool("web_browser", "weather Oslo", (PAGE,), in_one=True)
PICTURE = ScriptedTool("drawing_tool", "", ({"image": "https://pictures.test/cat.png"},))
OSLO = ScriptedCall("get_weather", {"city": "Oslo"})
EVERYTHING = Answer("There.", reasoning="", calls=(CODE, SEARCH, OSLO, PICTURE))
OFFERED = [AUTO, BROWSER, DRAWING, WEATHER]


async def raw(row: Row, base: str, *, streamed: bool, **members: Any) -> Any:
    """The whole body, or the chunks, as their bytes say."""
    body = {"model": MODEL, "messages": HELLO, "tools": OFFERED, "stream": streamed} | members
    reply = await row.stage.post(f"{base}{CHAT}", body)
    assert reply.status == 200, reply.body
    return reply.stream.chunks if streamed else reply.json


def pieces_of(chunks: Sequence[dict[str, Any]], choice: int = 0) -> list[dict[str, Any]]:
    """The pieces of calls in a stream; those of such a tool have a chunk each."""
    found: list[dict[str, Any]] = []
    for each in (each for chunk in chunks for each in chunk["choices"] if each["index"] == choice):
        pieces = each["delta"].get("tool_calls") or []
        assert len(pieces) <= 1 or all(piece.get("type", "function") == "function" for piece in pieces)
        found += pieces
    return found


def joined(pieces: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    """What the pieces of one kind say together."""
    bodies = [piece[kind] for piece in pieces if piece.get("type") == kind]
    outputs = [output for body in bodies for output in body.get("outputs", ())]
    return {"input": "".join(body.get("input", "") for body in bodies), "outputs": outputs}


def without_index(call: dict[str, Any]) -> dict[str, Any]:
    """A call as a service has it."""
    return {name: value for name, value in call.items() if name != "index"}


@BASES
@pytest.mark.parametrize("name", HAVE_THEM)
async def test_a_whole_answer_has_them_all(row: MakeRow, name: ServiceName, base: str) -> None:
    """Contract 3.4: every call with all its members, beside a function's and the text."""
    async with row(name) as it:
        it.service.answer_with(EVERYTHING)
        (choice,) = (await raw(it, base, streamed=False))["choices"]
        assert it.service.last.body["tools"] == OFFERED
        code, search, function, picture = choice["message"]["tool_calls"]
        assert [call["index"] for call in choice["message"]["tool_calls"]] == [0, 1, 2, 3]
        assert without_index(code) == CODE.members(0)
        assert without_index(search) == SEARCH.members(1)
        assert without_index(picture) == PICTURE.members(3)
        assert function["function"]["name"] == "get_weather"
        assert (choice["message"]["content"], choice["finish_reason"]) == ("There.", "tool_calls")


@BASES
@pytest.mark.parametrize("name", HAVE_THEM)
async def test_a_stream_has_them_piece_by_piece(row: MakeRow, name: ServiceName, base: str) -> None:
    """Contract 0.4, 3.4: an index for each piece, two pieces at least for each call, and nothing lost."""
    async with row(name) as it:
        it.service.answer_with(EVERYTHING)
        chunks = await raw(it, base, streamed=True)
        pieces = pieces_of(chunks)
        own = [piece for piece in pieces if piece.get("type") in {"code_interpreter", "web_browser", "drawing_tool"}]
        assert [piece["index"] for piece in own] == list(range(len(own)))
        assert sorted({piece["index"] for piece in pieces}) == list(range(len(own) + 1))
        for tool, count in ((CODE, 4), (SEARCH, 2), (PICTURE, 2)):
            of_it = [piece for piece in own if piece["type"] == tool.kind]
            assert len(of_it) == count
            assert [("input" in piece[tool.kind], "outputs" in piece[tool.kind]) for piece in of_it] == [
                *([(True, False)] * (count - 1)),
                (False, True),
            ]
            assert joined(of_it, tool.kind) == {"input": tool.input, "outputs": [dict(each) for each in tool.outputs]}
            assert of_it[0]["id"] == tool.members([CODE, SEARCH, OSLO, PICTURE].index(tool))["id"]
        assert own[0]["of_theirs"] == [1]
        assert "".join(piece["function"]["arguments"] for piece in pieces if "function" in piece) == '{"city": "Oslo"}'
        assert "".join(chunk["choices"][0]["delta"]["content"] or "" for chunk in chunks) == "There."
        assert [each["finish_reason"] for chunk in chunks for each in chunk["choices"]][-1] == "tool_calls"


@BASES
async def test_code_that_the_caller_runs(row: MakeRow, base: str) -> None:
    """Contract 3.4: with `sandbox: none` the code is streamed and nothing comes out; the answer ends with calls."""
    async with row() as it:
        it.service.answer_with(Answer("", calls=(CODE,)), Answer("", calls=(ScriptedTool("code_interpreter", "1"),)))
        for code in (CODE.input, "1"):
            chunks = await raw(it, base, streamed=True, tools=[NONE])
            pieces = pieces_of(chunks)
            assert it.service.last.body["tools"] == [NONE]
            assert len(pieces) >= 2
            assert all(piece["code_interpreter"].keys() == {"input"} for piece in pieces)
            assert joined(pieces, "code_interpreter") == {"input": code, "outputs": []}
            assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@both
@pytest.mark.parametrize("model", ["glm-4-alltools", "GLM-4-AllTools", "tob-alltools-api-dev"])
async def test_every_name_of_such_a_model(row: MakeRow, model: str, streamed: bool) -> None:
    """Contract 7.2: langchain_glm's parsing is switched on by these names."""
    async with row() as it:
        it.service.answer_with(Answer("42.", calls=(CODE,)))
        made = await raw(it, "/v1", streamed=streamed, model=model, tools=[AUTO])
        calls = pieces_of(made) if streamed else made["choices"][0]["message"]["tool_calls"]
        assert joined(calls, "code_interpreter")["outputs"] == [{"type": "logs", "logs": "42\n"}]


async def test_the_helper_of_openai_reads_them(row: MakeRow) -> None:
    """Contract 0.4: `.stream()` puts each piece where its index says, so it must have one."""
    async with row() as it:
        it.service.answer_with(EVERYTHING)
        helper: Any = it.stage.client().chat.completions.stream
        offered: Any = OFFERED
        async with helper(model=MODEL, messages=HELLO, tools=offered) as stream:
            seen = [event.type async for event in stream]
            final = await stream.get_final_completion()
        calls = [call.model_dump() for call in final.choices[0].message.tool_calls]
        assert joined(calls, "code_interpreter") == {"input": CODE.input, "outputs": list(CODE.outputs)}
        assert joined(calls, "web_browser") == {"input": SEARCH.input, "outputs": [PAGE]}
        assert [call["function"]["arguments"] for call in calls if call["type"] == "function"] == ['{"city": "Oslo"}']
        assert final.choices[0].message.content == "There."
        assert "tool_calls.function.arguments.done" in seen


@both
async def test_a_stop_string_keeps_what_has_run(row: MakeRow, streamed: bool) -> None:
    """N6: it ends the text; the call before the text has cost and said something."""
    async with row() as it:
        it.service.answer_with(Answer("It is 42. The end.", calls=(CODE,)))
        made = await raw(it, "/v1", streamed=streamed, tools=[AUTO], stop=["zzz", " The"])
        if streamed:
            calls, text = pieces_of(made), "".join(each["choices"][0]["delta"]["content"] or "" for each in made)
        else:
            message = made["choices"][0]["message"]
            calls, text = message["tool_calls"], message["content"]
        assert joined(calls, "code_interpreter") == {"input": CODE.input, "outputs": list(CODE.outputs)}
        assert text == "It is 42."


@both
async def test_each_of_several_choices_has_its_own(row: MakeRow, streamed: bool) -> None:
    """N1: indexes count from 0 in each."""
    async with row() as it:
        it.service.answer_with(Answer("42.", calls=(CODE,)), always=True)
        made = await raw(it, "/v1", streamed=streamed, tools=[AUTO], n=2)
        for place in range(2):
            calls = pieces_of(made, place) if streamed else made["choices"][place]["message"]["tool_calls"]
            assert [call["index"] for call in calls] == list(range(len(calls)))
            assert joined(calls, "code_interpreter") == {"input": CODE.input, "outputs": list(CODE.outputs)}


@both
async def test_a_form_beside_them(row: MakeRow, streamed: bool) -> None:
    """R2: the text is held to its form, what has run goes by."""
    async with row() as it:
        it.service.answer_with(Answer('{"answer": 42}', calls=(CODE,)))
        form = {"type": "json_object"}
        made = await raw(it, "/v1", streamed=streamed, tools=[AUTO], response_format=form)
        calls = pieces_of(made) if streamed else made["choices"][0]["message"]["tool_calls"]
        assert joined(calls, "code_interpreter") == {"input": CODE.input, "outputs": list(CODE.outputs)}


@both
async def test_a_call_and_a_form_beside_them(row: MakeRow, streamed: bool) -> None:
    """R2: the model may call a function instead; nobody's pieces are mixed up."""
    async with row() as it:
        it.service.answer_with(Answer("", calls=(CODE, OSLO)))
        form = {"type": "json_object"}
        made = await raw(it, "/v1", streamed=streamed, tools=[AUTO, WEATHER], response_format=form)
        calls = pieces_of(made) if streamed else made["choices"][0]["message"]["tool_calls"]
        own = [call for call in calls if call.get("type") == "code_interpreter"]
        assert joined(own, "code_interpreter") == {"input": CODE.input, "outputs": list(CODE.outputs)}
        assert [call["function"] for call in calls if call not in own] == [
            {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
        ]
        assert len({call["index"] for call in calls}) == len(calls)


async def test_what_has_run_counts_as_said(row: MakeRow) -> None:
    """S4: a stream that breaks behind it is not asked for again, because code would run twice."""
    async with row(fresh=True) as it:
        it.service.answer_with(Answer("42.", calls=(CODE,)), always=True)
        it.service.break_stream(Break("cut", after=1, pause_s=0.3))
        chunks = await raw(it, "/v1", streamed=True, tools=[AUTO])
        assert chunks[-1]["error"]
        assert len(pieces_of([chunk for chunk in chunks if "choices" in chunk])) == 1
        assert len(it.service.requests) == 1


async def test_an_answer_of_nothing_but_them_is_one(row: MakeRow) -> None:
    """S4: it is no silent stop."""
    async with row() as it:
        it.service.answer_with(Answer("", reasoning="", calls=(PICTURE,)))
        (choice,) = (await raw(it, "/v1", streamed=False, tools=[DRAWING]))["choices"]
        assert (choice["finish_reason"], choice["message"]["content"]) == ("stop", None)
        assert len(it.service.requests) == 1


async def test_the_cache_gives_them_again(row: MakeRow) -> None:
    """An answer that is given again has the same pieces; one that came whole is streamed like any other."""
    async with row() as it:
        it.service.answer_with(Answer("42.", calls=(CODE,)))
        greedy = {"tools": [AUTO], "temperature": 0, "glmgate": {"cache": True}}
        whole = await raw(it, "/v1", streamed=False, **greedy)
        pieces = pieces_of(await raw(it, "/v1", streamed=True, **greedy))
        assert len(it.service.requests) == 1
        assert [piece["index"] for piece in pieces] == [0, 1]
        (call,) = whole["choices"][0]["message"]["tool_calls"]
        assert joined(pieces, "code_interpreter") == joined([call], "code_interpreter")


@both
@pytest.mark.parametrize("name", HAVE_NONE)
async def test_a_service_without_them(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """Contract 7.2: never refused; the functions are offered, the rest is reported."""
    async with row(name) as it:
        it.service.answer_with(Answer("", calls=(OSLO,)))
        told = await it.stage.chat(tools=OFFERED, streamed=streamed)
        assert [each["type"] for each in it.service.last.body["tools"]] == ["function"]
        assert told.calls == [("function", "get_weather", '{"city": "Oslo"}')]
        for kind in ("code_interpreter", "web_browser", "drawing_tool"):
            assert told.noted(f"tools.{kind}") == "omitted"


async def test_a_model_without_them(row: MakeRow) -> None:
    """Contract 7.2: at the same service only some models have them; without any tool left there is none."""
    async with row() as it:
        told = await it.stage.chat(model="glm-4.6", tools=[AUTO, BROWSER, DRAWING], tool_choice="auto")
        assert "tools" not in it.service.last.body
        assert told.noted("tools.web_browser") == "omitted"
        with pytest.raises(APIStatusError, match="code_interpreter") as raised:
            await it.stage.chat(model="glm-4.6", tools=[AUTO], glmgate={"strict": True})
        assert raised.value.status_code == 400


async def test_a_named_one_is_left_to_the_model(row: MakeRow) -> None:
    """C2: the service knows no choice but `auto`, and nobody else could make the call."""
    async with row() as it:
        it.service.answer_with(Answer("42.", calls=(CODE,)))
        choice: Any = {"type": "code_interpreter"}
        made = await raw(it, "/v1", streamed=False, tools=[AUTO], tool_choice=choice)
        assert "tool_choice" not in it.service.last.body
        assert "tool_choice=omitted" in made["glmgate"]["adaptations"]


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("base", ["/v1", "/api/paas/v4"])
async def test_they_go_back_as_they_came(row: MakeRow, base: str, streamed: bool) -> None:
    """Contract 7.2: clients of GLM's send in the history what they got."""
    async with row() as it:
        it.service.answer_with(Answer("42.", reasoning="", calls=(CODE,)), "Twice.")
        made = await raw(it, base, streamed=streamed, tools=[AUTO])
        calls = pieces_of(made) if streamed else made["choices"][0]["message"]["tool_calls"]
        said = {"role": "assistant", "content": "42.", "tool_calls": calls}
        messages = [*HELLO, said, {"role": "user", "content": "And twice that?"}]
        await raw(it, base, streamed=False, tools=[AUTO], messages=messages)
        sent = it.service.last.body["messages"][1]["tool_calls"]
        assert joined(sent, "code_interpreter") == {"input": CODE.input, "outputs": list(CODE.outputs)}


@pytest.mark.parametrize("name", HAVE_NONE)
async def test_elsewhere_they_go_back_in_words(row: MakeRow, name: ServiceName) -> None:
    """Contract 7.2: what came out is not lost where the conversation goes on at another service."""
    said = {"role": "assistant", "content": "42.", "tool_calls": [CODE.members(0)]}
    messages: Any = [*HELLO, said, {"role": "user", "content": "And twice that?"}]
    async with row(name) as it:
        told = await it.stage.chat(messages=messages)
        assert '"logs":"42\\n"' in it.service.last.body["messages"][1]["content"]
        assert told.noted("messages.tool_calls.code_interpreter") == "content"


@pytest.mark.parametrize("name", [*HAVE_THEM, *HAVE_NONE])
async def test_a_result_that_answers_no_call(row: MakeRow, name: ServiceName) -> None:
    """Contract 7.2: langchain_glm writes the call as text, and sends the result of it all the same."""
    messages: Any = [
        {"role": "user", "content": "List the files."},
        {"role": "assistant", "content": "arguments='{'query': 'ls'}', name='shell'"},
        {"role": "tool", "tool_call_id": "call_1", "name": "shell", "content": "a.txt"},
    ]
    async with row(name) as it:
        told = await it.stage.chat(messages=messages)
        assert told.text == "Hello from the service."
        assert [message["role"] for message in it.service.last.body["messages"]] == ["user", "assistant", "tool"]
