"""Errors as answers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from glmgate.errors import CapacityExceeded, ContextLengthExceeded, GlmgateError, ModelNotFound, Unavailable
from glmgate.wire.headroom import Headroom, Room
from tests.fakes.gateway import HELLO, FakeGateway
from tests.surfaces.asgi_client import AsgiClient
from tests.surfaces.live import until

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
V1 = "/v1/chat/completions"
PAAS = "/api/paas/v4/chat/completions"


@pytest.mark.parametrize(
    ("error", "status", "word", "number", "kind"),
    [
        (
            ContextLengthExceeded("long", param="messages"),
            400,
            "context_length_exceeded",
            "1261",
            "invalid_request_error",
        ),
        (ModelNotFound("none", param="model"), 404, "model_not_found", "1211", "invalid_request_error"),
        (CapacityExceeded("full", retry_after_s=1.5), 429, "rate_limit_exceeded", "1302", "rate_limit_error"),
        (Unavailable("loading", retry_after_s=3), 503, "service_unavailable", "1230", "server_error"),
    ],
)
async def test_each_surface_has_its_vocabulary(
    client: AsgiClient, gateway: FakeGateway, error: GlmgateError, status: int, word: str, number: str, kind: str
) -> None:
    """Numbers for GLM's clients, words for OpenAI's, the other one in a header (contract 3.5)."""
    gateway.refusal = error
    for path, own, other in ((V1, word, number), (PAAS, number, word)):
        answer = await client.post(path, BODY)
        body = answer.json()["error"]
        assert (answer.status, body["code"], answer.headers["x-glm-code"]) == (status, own, other)
        assert (body["type"], body["param"], body["message"]) == (kind, error.param, error.message)


async def test_retry_headers_say_what_helps(client: AsgiClient, gateway: FakeGateway) -> None:
    """Whole seconds for all clients, milliseconds for those of OpenAI."""
    gateway.refusal = CapacityExceeded("full", retry_after_s=1.5)
    headers = (await client.post(V1, BODY)).headers
    assert (headers["x-should-retry"], headers["retry-after"], headers["retry-after-ms"]) == ("true", "2", "1500")


async def test_refused_request_is_not_to_be_sent_again(client: AsgiClient) -> None:
    """The SDKs obey this header."""
    answer = await client.post(V1, {"model": "m"})
    assert (answer.status, answer.headers["x-should-retry"]) == (400, "false")
    assert answer.json()["error"]["param"] == "messages"


async def test_missing_key_is_told_before_the_body_is_read(client: AsgiClient) -> None:
    """401 with GLM's number for `no header`, and how to do it right."""
    exchange = client.exchange([b"never read"])
    await client.run(exchange, "POST", PAAS, {"content-length": "10"})
    answer = exchange.response()
    assert (answer.status, answer.json()["error"]["code"]) == (401, "1001")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert exchange.incoming


async def test_wrong_key_speaks_openais_words_on_its_surface(client: AsgiClient) -> None:
    """Applications test for `invalid_api_key`."""
    answer = await client.get("/v1/models", {"authorization": "Bearer sk-wrong"})
    assert (answer.status, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_unexpected_failure_tells_the_id_and_nothing_else(client: AsgiClient, gateway: FakeGateway) -> None:
    """The traceback is for the log."""
    gateway.refusal = ValueError("secret")
    with capture_logs() as lines:
        answer = await client.post(V1, BODY)
    assert (answer.status, answer.json()["error"]["code"]) == (500, "internal_error")
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert b"secret" not in answer.body
    assert [(line["request_id"], line["exc_info"]) for line in lines] == [
        (answer.headers["x-request-id"], gateway.refusal)
    ]


async def test_body_that_is_nested_too_deeply_is_a_bad_body(client: AsgiClient, gateway: FakeGateway) -> None:
    """Whoever runs out of stack over a body refuses it."""
    gateway.refusal = RecursionError()
    assert (await client.post(V1, BODY)).status == 400


@pytest.mark.parametrize(("stream", "status"), [(False, 503), (True, 200)])
async def test_stopping_server_says_so(client: AsgiClient, gateway: FakeGateway, *, stream: bool, status: int) -> None:
    """When the grace is over, who still waits is told to come again."""
    gateway.script = (*HELLO[:2], 60.0)
    exchange = client.exchange([msgspec.json.encode(BODY | {"stream": stream})])
    running = asyncio.create_task(client.run(exchange, "POST", V1))
    await until(lambda: exchange.sent if stream else gateway.running, within_s=1)
    running.cancel()
    await running
    answer = exchange.response()
    assert answer.status == status
    error = answer.events()[-1]["error"] if stream else answer.json()["error"]
    assert error["code"] == "service_unavailable"


async def test_refused_large_body_is_taken_in_for_a_moment(client: AsgiClient) -> None:
    """The answer leaves at once and whole; the connection ends after what is still on its way."""
    exchange = client.exchange([b"x" * 1000] * 5)
    await client.run(exchange, "POST", V1, {"transfer-encoding": "chunked"})
    answer = exchange.response()
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    assert [message.get("more_body") for message in exchange.sent[1:]] == [True, False]
    assert not exchange.incoming


async def test_a_refusal_says_what_is_left(client: AsgiClient, gateway: FakeGateway) -> None:
    """On both surfaces, and where a stream was asked for too."""
    gateway.headroom = Headroom(Room(60, 0, 60.0))
    gateway.refusal = CapacityExceeded("Rate limit reached.", retry_after_s=0.25)
    for base in ("/v1", "/api/paas/v4"):
        for stream in (False, True):
            body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": stream}
            answer = await client.post(f"{base}/chat/completions", body)
            assert answer.status == 429
            assert answer.headers["x-ratelimit-remaining-requests"] == "0"
            assert answer.headers["x-ratelimit-reset-requests"] == "1m0s"
            assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("1", "250")
