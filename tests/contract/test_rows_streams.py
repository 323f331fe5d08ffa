"""Contract rows S1 to S4, and what section 3.3 says of every chunk."""

from __future__ import annotations

from typing import Any

import pytest
from openai import APIStatusError

from tests.contract.bodies import HELLO, TOOLS
from tests.contract.conftest import MakeRow
from tests.services import Answer, ScriptedCall, ServiceName
from tests.services.breaks import Framing

ALL: tuple[ServiceName, ...] = (
    *("zai", "bigmodel", "zai-coding", "openai", "vllm", "sglang", "llama-server", "ollama", "generic"),
)
GLM: tuple[ServiceName, ...] = ("zai", "bigmodel", "zai-coding")
SPOKEN = "Hello from the service."


async def chunks_of(row: Any, base: str, **members: Any) -> list[dict[str, Any]]:
    """The chunks of a stream as their bytes say, ended by `[DONE]`."""
    body = {"model": "glm-4.6", "messages": HELLO, "stream": True} | members
    reply = await row.stage.post(f"{base}/chat/completions", body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.stream.data[-1] == b"[DONE]"
    chunks: list[dict[str, Any]] = reply.stream.chunks
    return chunks


@pytest.mark.parametrize("name", ALL)
async def test_s1_usage_in_a_chunk_of_its_own(row: MakeRow, name: ServiceName) -> None:
    """S1: on OpenAI's surface, when it is asked for: the last chunk, without choices; nowhere else."""
    async with row(name) as it:
        chunks = await chunks_of(it, "/v1", stream_options={"include_usage": True})
        assert [bool(chunk.get("usage")) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["prompt_tokens"] == 10


@pytest.mark.parametrize("name", ALL)
async def test_s1_usage_on_the_finish_chunk(row: MakeRow, name: ServiceName) -> None:
    """S1: on GLM's surface it stands there, asked for or not; no chunk is without a choice."""
    async with row(name) as it:
        for members in ({}, {"stream_options": {"include_usage": True}}):
            chunks = await chunks_of(it, "/api/paas/v4", **members)
            assert all(len(chunk["choices"]) == 1 for chunk in chunks)
            assert [bool(chunk.get("usage")) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
            assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("name", ALL)
async def test_s2_usage_without_being_asked_for(row: MakeRow, name: ServiceName) -> None:
    """S2: also from services that have to be asked for it."""
    async with row(name) as it:
        chunks = await chunks_of(it, "/v1")
        assert all(len(chunk["choices"]) == 1 for chunk in chunks)
        assert chunks[-1]["usage"]["prompt_tokens"] == 10
        assert len([chunk for chunk in chunks if chunk.get("usage")]) == 1


@pytest.mark.parametrize("base", ["/v1", "/api/paas/v4"])
@pytest.mark.parametrize("name", ALL)
async def test_s3_both_keys_in_every_delta(row: MakeRow, name: ServiceName, base: str) -> None:
    """S3: the seed's loop reads both; one id and one model for all chunks, in the shape of contract 3.3."""
    async with row(name) as it:
        chunks = await chunks_of(it, base)
        deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
        assert all({"content", "reasoning_content"} <= delta.keys() for delta in deltas)
        assert "".join(delta["content"] or "" for delta in deltas) == SPOKEN
        assert len({(chunk["id"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
        assert all("reasoning" not in delta for delta in deltas)


async def test_s3_the_seeds_own_loop(row: MakeRow) -> None:
    """S3: as the guide has it, on OpenAI's client."""
    async with row() as it:
        create: Any = it.stage.client().chat.completions.create  # what it gives has members that OpenAI's types lack
        stream = await create(model="glm-4.6", messages=HELLO, stream=True)
        said = ["", ""]
        async for chunk in stream:
            if chunk.choices[0].delta.reasoning_content:
                said[0] += chunk.choices[0].delta.reasoning_content
            if chunk.choices[0].delta.content:
                said[1] += chunk.choices[0].delta.content
        assert said == ["A short thought. ", SPOKEN]


@pytest.mark.parametrize("framing", ["bytes", "merged", "glued", "halved", "crlf", "tight"])
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_s4_frames_are_made_regular(row: MakeRow, name: ServiceName, framing: Framing) -> None:
    """S4: merged, split and oddly cut frames come out as one chunk each, and nothing is lost."""
    async with row(name) as it:
        it.service.framing = framing
        it.service.answer_with(Answer(calls=(ScriptedCall("get_weather", {"city": "Oslo"}),), text="汉字 are kept"))
        told = await it.stage.chat(tools=TOOLS, streamed=True)
        assert (told.text, told.reasoning) == ("汉字 are kept", "A short thought. ")
        assert told.calls == [("function", "get_weather", '{"city": "Oslo"}')]
        assert told.usage.prompt_tokens == 10


@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_s4_the_last_piece_on_the_finish_chunk(row: MakeRow, name: ServiceName) -> None:
    """S4 and peers 2.2: text, or the last of a call's arguments, comes with the reason; both are kept."""
    async with row(name) as it:
        it.service.bundled = True
        it.service.answer_with("one two three", Answer("", calls=(ScriptedCall("get_weather", {"city": "Oslo"}),)))
        assert (await it.stage.chat(streamed=True)).text == "one two three"
        told = await it.stage.chat(tools=TOOLS, streamed=True)
        assert (told.calls, told.ending) == ([("function", "get_weather", '{"city": "Oslo"}')], "tool_calls")


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_s1_usage_that_comes_again_and_again(row: MakeRow, name: ServiceName, include: bool) -> None:
    """S1: on every chunk of the service's, in one of ours, and not summed."""
    async with row(name) as it:
        it.service.usage_everywhere = True
        members: dict[str, Any] = {"stream_options": {"include_usage": True}} if include else {}
        told = await it.stage.chat(streamed=True, **members)
        assert told.usage.prompt_tokens == 10


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", GLM)
async def test_s4_a_silent_stop_is_tried_again(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """S4: an empty stop before the first byte is no answer."""
    async with row(name, fresh=True) as it:
        it.service.answer_with(Answer("", reasoning=""))
        told = await it.stage.chat(streamed=streamed)
        assert told.text == SPOKEN
        assert len(it.service.requests) == 2


async def test_s4_a_stop_that_stays_silent_is_a_failure(row: MakeRow) -> None:
    """S4: when it stays so, the client is told."""
    async with row(fresh=True) as it:
        it.service.answer_with(Answer("", reasoning=""), always=True)
        for streamed in (False, True):
            with pytest.raises(APIStatusError) as raised:
                await it.stage.chat(streamed=streamed)
            assert raised.value.status_code >= 500


@pytest.mark.parametrize("name", ALL)
async def test_the_helper_of_openai(row: MakeRow, name: ServiceName) -> None:
    """Contract 0.4: `.stream()` needs an index on each piece of a call."""
    async with row(name) as it:
        it.service.answer_with(Answer("", calls=(ScriptedCall("get_weather", {"city": "Oslo"}),)))
        helper: Any = it.stage.client().chat.completions.stream
        async with helper(model="glm-4.6", messages=HELLO, tools=TOOLS) as stream:
            async for _ in stream:
                pass
            final = await stream.get_final_completion()
        (call,) = final.choices[0].message.tool_calls
        assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Oslo"}')
