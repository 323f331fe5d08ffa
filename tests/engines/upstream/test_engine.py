"""The upstream engine in front of strict loopback services: what goes there, what comes back, how it is left."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glmgate import errors
from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream.engine import UpstreamEngine
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Timeouts
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.engines.upstream.asking import CALL, TIMEOUTS, answer, chat, deltas, engine
from tests.services import KEYS, KINDS, Answer, ScriptedCall, ServiceName, service, vector_of
from tests.transport.authority import authority
from tests.transport.loopback import peer, reply

TOOLS = [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}]
NAMES: list[ServiceName] = list(KINDS)


def model_of(name: ServiceName) -> str:
    """A model that the service has."""
    return KINDS[name].models[0]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", NAMES)
async def test_an_answer_of_each_service(name: ServiceName, stream: bool) -> None:
    """Text, thoughts where they are shown, calls, the reason for the end, and usage once."""
    async with service(name) as there, engine(there.base_url, profile=name, model=model_of(name)) as asked:
        there.answer_with(Answer("Hello you", calls=(ScriptedCall("f", {"x": "é"}),)))
        completion = await answer(asked, chat(stream=stream, tools=TOOLS))
    (choice,) = completion.choices
    assert choice.content == "Hello you"
    assert [(call.name, json.loads(call.arguments)) for call in choice.calls] == [("f", {"x": "é"})]
    assert choice.finish_reason == "tool_calls"
    assert completion.usage.prompt == 10
    assert (there.last.body.get("stream") is True) == stream
    assert there.last.body["model"] == model_of(name)


@pytest.mark.parametrize("framing", ["bytes", "merged", "glued", "halved", "crlf", "tight"])
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_an_answer_in_each_framing(name: ServiceName, framing: str) -> None:
    """The same text and usage however the frames travel (S4)."""
    async with service(name) as there, engine(there.base_url, profile=name, model=model_of(name)) as asked:
        usual = await answer(asked, chat(stream=True))
        there.framing = framing  # type: ignore[assignment] # a parameter of the test
        assert await answer(asked, chat(stream=True)) == usual


async def test_a_stream_comes_piece_by_piece_and_a_plain_answer_at_once() -> None:
    """The caller's wish is the upstream's request."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        streamed, plain = await deltas(asked, chat(stream=True)), await deltas(asked, chat())
    assert len(streamed) > 3
    assert len(plain) == 1
    assert plain[0].content == "".join(delta.content or "" for delta in streamed)


async def test_what_ties_both_logs_together_and_our_credential_are_sent() -> None:
    """And of the caller nothing but that."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        await answer(asked, chat())
    sent = there.last.headers
    assert there.last.credential == KEYS[0]
    assert (sent["x-request-id"], sent["traceparent"], sent["x-session-id"]) == ("req_1", "00-aa-bb-01", "session_1")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_is_raised_on_entry(stream: bool) -> None:
    """Before any delta, so that routing can go on elsewhere."""
    async with service("zai") as there, engine(there.base_url, profile="zai", key="not.known") as asked:
        with pytest.raises(errors.CredentialRefused) as told:
            async with asked.stream(CALL, chat(stream=stream)):
                pytest.fail("it was answered")
    assert "not.known" not in told.value.message
    assert there.last.status == 401


@pytest.mark.parametrize("stream", [True, False])
async def test_no_money_is_no_rate_limit(stream: bool) -> None:
    """Contract row A1."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        there.fail_with(429, code="1113")
        with pytest.raises(errors.QuotaExhausted) as told:
            await answer(asked, chat(stream=stream))
    assert (told.value.remedy, told.value.retry, told.value.zai_code) == ("park", False, "1113")


async def test_headers_of_a_failure_are_read() -> None:
    """The upstream says when to come back."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        there.fail_with(429, code="1302", headers={"Retry-After": "17"})
        with pytest.raises(errors.CapacityExceeded) as told:
            await answer(asked, chat())
    assert told.value.retry_after_s == 17


@pytest.mark.parametrize("stream", [True, False])
async def test_a_page_instead_of_an_answer(stream: bool) -> None:
    """Something else listens there."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        there.fail_with(200, b"<html><title>Log in</title></html>", {"Content-Type": "text/html"})
        with pytest.raises(errors.EngineFailed, match="base_url") as told:
            await answer(asked, chat(stream=stream))
    assert told.value.remedy == "next"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_business_failure_with_a_good_status(stream: bool) -> None:
    """Contract 3.5: the body tells."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        there.fail_with(200, {"error": {"code": "1301", "message": "unsafe"}})
        with pytest.raises(errors.ContentFiltered):
            await answer(asked, chat(stream=stream))


@pytest.mark.parametrize(
    ("asked_for", "comes"),
    [
        ({}, False),
        ({"tool_choice": "auto"}, False),
        ({"stop": ["x"]}, True),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, True),
        ({"response_format": {"type": "json_object"}}, True),
    ],
)
async def test_an_answer_of_thoughts_alone(asked_for: dict[str, Any], comes: bool) -> None:
    """It is one where it may be meant, or where the adaptation looks at it and asks in another way."""
    message = {"content": None, "reasoning": "Hm"}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body))

    async with peer(script) as there, engine(there.url) as asked:
        try:
            seen = bool(await deltas(asked, chat(tools=TOOLS, **asked_for)))
        except errors.EngineFailed:
            seen = False
    assert seen is comes


async def test_a_service_that_is_not_there() -> None:
    """Nothing was sent: asking again costs nothing."""
    async with service("zai") as there:
        base_url = there.base_url
    async with engine(base_url) as asked:
        with pytest.raises(errors.EngineFailed) as told:
            await answer(asked, chat(stream=True))
    assert told.value.remedy == "retry"


async def test_leaving_an_answer_is_noticed_within_a_tenth_of_a_second() -> None:
    """Whoever has gone costs nothing any more."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        there.slow(between_s=5.0)
        async with asked.stream(CALL, chat(stream=True)) as reads:
            await anext(reads)
            left = time.monotonic()
        await until(lambda: there.last.left_at is not None)
    assert there.last.left_at is not None
    assert there.last.left_at - left < 0.1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_caller_that_is_cancelled_is_noticed_at_once(stream: bool) -> None:
    """While the upstream still thinks about its first word."""
    async with service("zai") as there, engine(there.base_url, profile="zai") as asked:
        there.slow(first_s=30.0)
        task = asyncio.create_task(answer(asked, chat(stream=stream)))
        await until(lambda: bool(there.requests))
        left = time.monotonic()
        task.cancel()
        await until(lambda: there.last.left_at is not None)
    assert there.last.left_at is not None
    assert there.last.left_at - left < 0.1


@pytest.mark.parametrize(
    ("timeouts", "slow", "expected", "remedy"),
    [
        (Timeouts(first_s=0.1, idle_s=9, total_s=9), {"first_s": 5.0}, errors.DeadlineExceeded, "next"),
        (Timeouts(first_s=9, idle_s=0.1, total_s=9), {"between_s": 5.0}, errors.EngineFailed, "next"),
        (Timeouts(first_s=9, idle_s=9, total_s=0.1), {"between_s": 5.0}, errors.DeadlineExceeded, "tell"),
    ],
)
async def test_each_time_has_its_bound(
    timeouts: Timeouts, slow: dict[str, float], expected: type[errors.GlmgateError], remedy: str
) -> None:
    """To the first piece, between two, and in all."""
    async with service("zai") as there, engine(there.base_url, profile="zai", timeouts=timeouts) as asked:
        there.slow(**slow)
        with pytest.raises(errors.GlmgateError) as told:
            await answer(asked, chat(stream=True))
    assert (type(told.value), told.value.remedy) == (expected, remedy)


async def test_a_plain_answer_may_take_as_long_as_the_whole() -> None:
    """It begins when it is finished, so the bound for the first piece of a stream is not its own."""
    timeouts = Timeouts(first_s=0.1, idle_s=9, total_s=9)
    async with service("zai") as there, engine(there.base_url, profile="zai", timeouts=timeouts) as asked:
        there.slow(first_s=0.4)
        assert (await answer(asked, chat())).choices[0].finish_reason == "stop"


async def test_an_answer_that_is_whole_does_not_wait_for_its_connection() -> None:
    """Some never say `[DONE]` and never close."""
    end = {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]}

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = b"data: " + json.dumps(end).encode() + b"\n\n"
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(data), data))
        await reader.read()

    async with peer(script) as there, engine(there.url) as asked:
        completion = await asyncio.wait_for(answer(asked, chat(stream=True)), 8)
    assert completion.choices[0].content == "x"


async def test_connections_are_kept_between_answers() -> None:
    """A hand-shake for each would cost more than the gateway does."""
    body = json.dumps({"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}).encode()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body))

    async with peer(script) as there, engine(there.url) as asked:
        for _ in range(3):
            await answer(asked, chat())
    assert there.made == 1


async def test_a_kept_connection_that_has_ended_is_a_failure_to_retry() -> None:
    """Nothing is sent twice here: whether the upstream has seen it nobody knows, so the retry is routing's."""
    body = json.dumps({"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}).encode()
    answers = iter([body, None, body])

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (data := next(answers)) is None:
            writer.close()
        else:
            writer.write(reply(data))

    async with peer(script) as there, engine(there.url) as asked:
        await answer(asked, chat())
        with pytest.raises(errors.EngineFailed) as told:
            await answer(asked, chat())
        assert told.value.remedy == "retry"
        await answer(asked, chat())
    assert len(there.heads) == 3


async def test_an_untrusted_certificate_is_no_upstream(tmp_path: Path) -> None:
    """Our credential does not leave; with the operator's own authority it does."""
    trusted = authority(tmp_path, "127.0.0.1")
    body = json.dumps({"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}).encode()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body))

    async with peer(script, tls=trusted.server) as there:
        async with engine(there.url) as asked:
            with pytest.raises(errors.EngineFailed) as told:
                await answer(asked, chat())
        assert told.value.remedy == "next"
        assert there.heads == []
        transport = AiohttpTransport(authorities=trusted.file)
        upstream = Upstream(name="up", base_url=there.url, profile=shipped("generic"), timeouts=TIMEOUTS)
        asked = UpstreamEngine(upstream, model="m", secret=Secret("s.ecret"), transport=transport)
        assert (await answer(asked, chat())).choices[0].content == "x"
        await transport.aclose()


async def test_a_text_completion_of_a_server_that_has_them() -> None:
    """Contract row L1, native."""
    request = convert({"model": "m", "prompt": "Once", "stream": True}, CompletionRequest)
    async with service("vllm") as there, engine(there.base_url, profile="vllm", model=model_of("vllm")) as asked:
        there.answer_with("upon a time")
        completion = await answer(asked, request)
    assert completion.choices[0].content == "upon a time"
    assert there.last.path.endswith("/completions")
    assert "chat" not in there.last.path


@pytest.mark.parametrize(("name", "model"), [("zai", "embedding-3"), ("openai", "some-model")])
async def test_embeddings(name: ServiceName, model: str) -> None:
    """One vector for each input, in their order, as floats or in base64."""
    request = convert({"model": "m", "input": ["a", "b"], "dimensions": 256}, EmbeddingsRequest)
    async with service(name) as there, engine(there.base_url, profile=name, model=model) as asked:
        found = await asked.embed(CALL, request)
    assert found.vectors == pytest.approx([pytest.approx(vector_of(f'"{text}"', 256), abs=1e-6) for text in "ab"])
    assert found.prompt_tokens == 20


async def test_an_answer_without_vectors_is_a_failure() -> None:
    """A page, or vectors for other inputs."""
    request = convert({"model": "m", "input": ["a", "b"]}, EmbeddingsRequest)
    async with service("zai") as there, engine(there.base_url, profile="zai", model="embedding-3") as asked:
        there.fail_with(200, {"data": [{"index": 0, "embedding": [0.5]}]})
        with pytest.raises(errors.EngineFailed):
            await asked.embed(CALL, request)


@pytest.mark.parametrize(
    ("profile", "path", "said"),
    [
        ("zai", "/v1/tokenizer", {"id": "x", "usage": {"prompt_tokens": 5, "image_tokens": 2, "total_tokens": 7}}),
        ("vllm", "/tokenize", {"count": 7, "max_model_len": 100, "tokens": [1] * 7}),
    ],
)
async def test_tokens_are_counted_where_the_service_counts(profile: str, path: str, said: object) -> None:
    """Contract 4.3, and vLLM's own, which stands beside its /v1."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(json.dumps(said).encode()))

    request = convert({"model": "m", "messages": [{"role": "user", "content": "x"}]}, TokenizerRequest)
    async with peer(script) as there, engine(f"{there.url}v1", profile=profile) as asked:
        assert await asked.count(CALL, request) == 7
    assert there.heads[0].startswith(f"POST {path} ".encode())
    assert json.loads(there.bodies[0])["model"] == "glm-4.6"


async def test_tokens_are_not_counted_where_the_service_does_not() -> None:
    """And it is said."""
    request = convert({"model": "m", "messages": [{"role": "user", "content": "x"}]}, TokenizerRequest)
    async with engine("http://127.0.0.1:1/v1", profile="openai") as asked:
        with pytest.raises(errors.UnsupportedValue, match="does not count"):
            await asked.count(CALL, request)


async def until(true: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Wait for something that another thread does."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        await asyncio.sleep(0.002)
