"""What is remembered between requests, through the whole program: from a client's body to what a service hears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from glmgate.app import App, opened
from tests.app.asking import call, settings, upstream
from tests.app.asking import said as answer
from tests.services import Answer, ScriptedCall, Service, ServiceName, service
from tests.surfaces.asgi_client import AsgiClient, Response
from tests.surfaces.live import until

MODEL = '[[models]]\nname = "glm-4.6"\n'
EMBEDDING = '[[models]]\nname = "embedding-3"\n'
HOST = {"host": "127.0.0.1:8000"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
QUESTION = {"role": "user", "content": "What is the weather?"}


async def post(
    app: App, messages: Sequence[Mapping[str, Any]], headers: Mapping[str, str] = HOST, **members: Any
) -> Response:
    """What the program answers to a chat request, under the path that OpenAI's clients use."""
    body = {"model": "glm-4.6", "messages": messages} | members
    return await AsgiClient(app.http).post("/v1/chat/completions", body, headers=HOST | dict(headers))


def said(response: Response) -> dict[str, Any]:
    """The answer's message as a stock application puts it into its history: without what it does not know."""
    assert response.status == 200, response.body
    if response.headers["content-type"] == "application/json":
        message = response.json()["choices"][0]["message"]
        return {name: message[name] for name in ("role", "content", "tool_calls") if message.get(name) is not None}
    content, calls = "", dict[int, dict[str, Any]]()
    for chunk in response.events()[:-1]:
        delta = chunk["choices"][0]["delta"]
        content += delta.get("content") or ""
        for piece in delta.get("tool_calls", ()):
            call = calls.setdefault(piece["index"], {"function": {"name": "", "arguments": ""}, "type": "function"})
            call["id"] = piece.get("id") or call["id"]
            call["function"]["name"] += piece["function"].get("name") or ""
            call["function"]["arguments"] += piece["function"].get("arguments") or ""
    return {"role": "assistant", "content": content or None} | ({"tool_calls": [*calls.values()]} if calls else {})


def heard(it: Service, name: str) -> list[str | None]:
    """The thoughts of the assistant's messages in the last request that a service got."""
    return [message.get(name) for message in it.last.body["messages"] if message["role"] == "assistant"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("zai", "reasoning_content"),
        ("bigmodel", "reasoning_content"),
        ("vllm", "reasoning"),
        ("sglang", "reasoning_content"),
    ],
)
async def test_n14_a_tool_loop_keeps_its_thoughts(
    tmp_path: Path, name: ServiceName, member: str, *, stream: bool
) -> None:
    """Rows N13 and N14: an application that drops `reasoning_content` gets a model that still knows what it thought.

    The service hears every thought under the name that it reads, and the report says how many were put back.
    """
    async with service(name) as it, opened(settings(tmp_path, upstream("it", it) + MODEL)) as app:
        calls = [Answer("", f"Thought {step}. ", (ScriptedCall("weather", {"step": step}),)) for step in range(2)]
        it.answer_with(*calls, Answer("Sunny.", "Done. "), Answer("Bye."))
        messages: list[dict[str, Any]] = [QUESTION]
        for step in range(2):
            message = said(await post(app, messages, tools=[TOOL], stream=stream))
            messages += [
                message,
                {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": f"{step}"},
            ]
        messages += [
            said(await post(app, messages, tools=[TOOL], stream=stream)),
            {"role": "user", "content": "Thanks"},
        ]
        last = await post(app, messages, tools=[TOOL], stream=stream)
        assert heard(it, member) == ["Thought 0. ", "Thought 1. ", "Done. "]
        assert "messages.reasoning_content=restored:3" in last.headers["x-glmgate-adaptations"]
        assert it.refusals == []


async def test_workers_share_what_models_thought(tmp_path: Path) -> None:
    """The next turn may come to another process: what it knows is in the database, and outlives both."""
    async with service("zai") as zai:
        zai.answer_with(Answer("Sunny.", "Shared. "))
        found = settings(tmp_path, upstream("it", zai) + MODEL, auth=True)
        async with opened(found) as one, opened(found) as two:
            key = {"authorization": f"Bearer {one.first_key}"}
            turn = said(await post(one, [QUESTION], key))
            then = [QUESTION, turn, {"role": "user", "content": "And now?"}]
            await _until_heard(two, zai, then, key)
        async with opened(found) as three:
            await post(three, then, key)
            assert heard(zai, "reasoning_content") == ["Shared. "]


async def _until_heard(app: App, zai: Service, then: list[Any], key: dict[str, str]) -> None:
    """Writing goes on beside the answer, so another process may come too early."""
    for _ in range(100):
        await post(app, then, key)
        if heard(zai, "reasoning_content") == ["Shared. "]:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the other worker never found the thought")


@pytest.mark.parametrize("off", ["the header", "the body", "the model's setting"])
async def test_remembering_can_be_switched_off(tmp_path: Path, off: str) -> None:
    """Then nothing is put back, and nothing is said."""
    more = "remember = false\n" if off == "the model's setting" else ""
    headers = {"x-glmgate-remember": "off"} if off == "the header" else {}
    members = {"glmgate": {"remember": False}} if off == "the body" else {}
    async with service("zai") as zai, opened(settings(tmp_path, upstream("it", zai) + MODEL + more)) as app:
        turn = said(await post(app, [QUESTION]))
        last = await post(app, [QUESTION, turn, QUESTION], headers, **members)
        assert heard(zai, "reasoning_content") == [None]
        assert "reasoning_content" not in last.headers.get("x-glmgate-adaptations", "")


async def test_a_strict_call_gets_its_thoughts_too(tmp_path: Path) -> None:
    """They are what the model said: nothing about the request is less exact for them."""
    async with service("zai") as zai, opened(settings(tmp_path, upstream("it", zai) + MODEL)) as app:
        turn = said(await post(app, [QUESTION]))
        await post(app, [QUESTION, turn, QUESTION], {"x-glmgate-strict": "1"})
        assert heard(zai, "reasoning_content") == ["A short thought. "]


async def test_an_equal_request_is_answered_from_the_cache(tmp_path: Path) -> None:
    """By the header; the answer's header tells, its body is the same, and a stream is played as a stream."""
    async with service("zai") as zai, opened(settings(tmp_path, upstream("it", zai) + MODEL)) as app:
        wanted = {"x-glmgate-cache": "on"}
        answers = [await post(app, [QUESTION], wanted, stream=stream) for stream in (True, True, False)]
        assert [answer.headers["x-glmgate-cache"] for answer in answers] == ["miss", "hit", "hit"]
        assert len({str(said(answer)) for answer in answers}) == 1
        assert len(answers[1].events()) == len(answers[0].events()) > 3
        assert answers[2].json()["usage"] == answers[0].events()[-2]["usage"]
        assert "x-glmgate-cache" not in (await post(app, [QUESTION])).headers
        assert len(zai.requests) == 2


async def test_equal_requests_in_flight_share_a_call(tmp_path: Path) -> None:
    """Where the model's setting says so: one request at the service, the same answer for all, and each is told."""
    async with (
        service("zai") as zai,
        opened(settings(tmp_path, upstream("it", zai) + MODEL + "coalesce = true\n")) as app,
    ):
        zai.slow(first_s=0.1, between_s=0.01)
        answers = await asyncio.gather(
            *(post(app, [QUESTION], temperature=0, stream=stream) for stream in (True, True))
        )
        assert len(zai.requests) == 1
        assert sorted(answer.headers["x-glmgate-cache"] for answer in answers) == ["miss", "shared"]
        assert said(answers[0]) == said(answers[1])


async def test_a_shared_call_ends_with_its_last_client(tmp_path: Path) -> None:
    """One client goes, the service works on for the other; when that goes too, the service is left within 100 ms."""
    async with (
        service("zai") as zai,
        opened(settings(tmp_path, upstream("it", zai) + MODEL + "coalesce = true\n")) as app,
    ):
        zai.slow(between_s=0.2)
        zai.answer_with(Answer("word " * 100))
        asking = [asyncio.create_task(post(app, [QUESTION], temperature=0, stream=True)) for _ in range(2)]
        await until(lambda: zai.requests, within_s=5)
        await asyncio.sleep(0.3)
        asking[0].cancel()
        await asyncio.wait(asking[:1])
        await asyncio.sleep(0.2)
        assert (len(zai.requests), zai.last.left_at) == (1, None)
        asking[1].cancel()
        left = time.monotonic()
        await asyncio.wait(asking[1:])
        await until(lambda: zai.last.left_at is not None, within_s=5)
        assert zai.last.left_at is not None
        assert zai.last.left_at - left < 0.1


async def test_equal_embeddings_in_flight_share_a_call(tmp_path: Path) -> None:
    """Vectors are what they are, so models of that kind share unless a setting says otherwise."""
    async with service("bigmodel") as bigmodel:
        bigmodel.slow(first_s=0.1)
        async with opened(settings(tmp_path, upstream("it", bigmodel) + EMBEDDING)) as app:
            body = {"model": "embedding-3", "input": ["a", "b"], "dimensions": 256}
            client = AsgiClient(app.http)
            answers = await asyncio.gather(*(client.post("/v1/embeddings", body, headers=HOST) for _ in range(5)))
    assert len(bigmodel.requests) == 1
    assert sorted(answer.headers["x-glmgate-cache"] for answer in answers) == ["miss", *["shared"] * 4]
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.parametrize("stays", [0, 1])
async def test_a_shared_calls_attempt_is_told_once(tmp_path: Path, stays: int) -> None:
    """By the first client that is still there: the other may have gone before anybody knew what it took."""
    async with (
        service("zai") as zai,
        opened(settings(tmp_path, upstream("it", zai) + MODEL + "coalesce = true\n")) as app,
    ):
        zai.slow(between_s=0.05)
        asked = [call(), call()]
        asking = [asyncio.create_task(answer(app, "glm-4.6", asked=each, temperature=0, stream=True)) for each in asked]
        await until(lambda: zai.requests, within_s=5)
        asking[1 - stays].cancel()
        await asking[stays]
    assert [[attempt.outcome for attempt in each.attempts] for each in asked] == [
        ["ok"] if place == stays else [] for place in range(2)
    ]
    assert len(zai.requests) == 1
