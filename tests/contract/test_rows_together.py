"""Several rows in one request: each holds beside the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.bodies import FORM, GOOD, TOOLS, both
from tests.contract.conftest import MakeRow
from tests.services import Answer, ScriptedCall, ServiceName

OSLO = ScriptedCall("get_weather", {"city": "Oslo"})
NAMES: tuple[ServiceName, ...] = ("zai", "vllm", "ollama")


@both
@pytest.mark.parametrize("name", NAMES)
async def test_two_forced_calls_at_once(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N1 and C1: every choice has its call."""
    async with row(name) as it:
        it.service.answer_with(Answer("", calls=(OSLO,)), always=True)
        body: dict[str, Any] = {"tools": TOOLS, "tool_choice": "required", "n": 2, "stream": streamed}
        told = await it.stage.post(
            "/v1/chat/completions",
            {"model": "glm-4.6", "messages": [{"role": "user", "content": "Hello"}]} | body,
        )
        assert told.status == 200
        chunks = told.stream.chunks if streamed else [told.json]
        calls: dict[int, str] = {}
        for chunk in chunks:
            for choice in chunk["choices"]:
                for piece in (choice.get("delta") or choice["message"]).get("tool_calls") or ():
                    index = choice["index"]
                    calls[index] = calls.get(index, "") + (piece["function"].get("arguments") or "")
        assert sorted(calls) == [0, 1]
        assert all(json.loads(text) == {"city": "Oslo"} for text in calls.values())


@both
@pytest.mark.parametrize("name", NAMES)
async def test_two_forms_at_once(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N1 and R1: every choice is valid, also when one had to be repaired."""
    async with row(name) as it:
        it.service.answer_with(GOOD, always=True)
        it.service.answer_with("No JSON" if name == "zai" else GOOD)
        told = await it.stage.chat(response_format=FORM, n=2, streamed=streamed)
        assert [json.loads(text) for text in told.texts.values()] == [json.loads(GOOD)] * 2


@both
@pytest.mark.parametrize("name", NAMES)
async def test_a_form_beside_tools(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """R1 and tools: a call is an answer too; without one the text is in the form."""
    async with row(name) as it:
        it.service.answer_with(Answer("", calls=(OSLO,)), GOOD)
        called = await it.stage.chat(response_format=FORM, tools=TOOLS, streamed=streamed)
        assert called.calls == [("function", "get_weather", '{"city": "Oslo"}')]
        spoken = await it.stage.chat(response_format=FORM, tools=TOOLS, streamed=streamed)
        assert json.loads(spoken.text) == json.loads(GOOD)


@both
async def test_everything_that_glm_refuses(row: MakeRow, streamed: bool) -> None:
    """T2, T3, C1, C6, N2, N4, N6, N7, N10, N12 and M1's case in one request of an OpenAI application."""
    bare: Any = {"type": "function", "function": {"name": "get_weather", "strict": True}}
    async with row() as it:
        it.service.answer_with(Answer("I talk."), Answer("", calls=(ScriptedCall("get_weather", {}),)))
        told = await it.stage.chat(
            model="GLM-4.6",
            messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Weather?"}],
            tools=[bare],
            tool_choice="required",
            parallel_tool_calls=False,
            temperature=2,
            top_p=0,
            stop=["one", "two", "three"],
            max_completion_tokens=500_000,
            presence_penalty=1,
            user="bob",
            reasoning_effort="high",
            store=True,
            streamed=streamed,
        )
        assert told.calls == [("function", "get_weather", "{}")]
        named = {note.partition("=")[0] for note in told.notes}
        assert {"temperature", "top_p", "tool_choice", "presence_penalty"} <= named
        assert named & {"max_tokens", "max_completion_tokens"}
