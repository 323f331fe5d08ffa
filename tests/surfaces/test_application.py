"""Whatever comes in: always JSON, always an id, never a fault of ours."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmgate.surfaces.asgi import Message
from glmgate.surfaces.settings import ServerSettings
from tests.fakes.gateway import FakeGateway
from tests.surfaces.asgi_client import AUTHORIZED, AsgiClient, Response
from tests.surfaces.conftest import application

SEGMENT = st.sampled_from(
    ["", "v1", "v4", "api", "paas", "coding", "chat", "completions", "models", "embeddings", "tokenizer", "responses"]
) | st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?"), max_size=6)
PATH = st.lists(SEGMENT, max_size=6).map(lambda segments: "/" + "/".join(segments))
HEADER_NAME = st.sampled_from(
    [
        "x-request-id",
        "x-glmgate-strict",
        "content-encoding",
        "content-type",
        "origin",
        "x-forwarded-for",
        "x-forwarded-proto",
        "traceparent",
        "expect",
        "host",
        "access-control-request-method",
    ]
)
HEADERS = st.dictionaries(HEADER_NAME, st.text(st.characters(max_codepoint=255), max_size=20), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
MEMBER = st.sampled_from(
    ["model", "messages", "stream", "tools", "tool_choice", "stop", "n", "input", "prompt", "request_id", "glmgate"]
)
BODY = st.dictionaries(MEMBER, JSON, max_size=6)
ENDPOINT = st.sampled_from(
    ["/v1/chat/completions", "/api/paas/v4/chat/completions", "/v1/completions", "/v4/embeddings", "/v1/tokenizer"]
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _client() -> AsgiClient:
    return AsgiClient(application(FakeGateway(), ServerSettings(cors_origins=("*",), trusted_proxies=("127.0.0.1",))))


def _is_sound(answer: Response) -> None:
    assert answer.status < 500 or answer.status == 501, answer.body
    assert answer.headers["x-request-id"]
    if answer.headers["content-type"].startswith("text/event-stream"):
        assert answer.events()[-1] == "[DONE]"
    elif answer.headers["content-type"] == "application/json" and answer.body:
        assert isinstance(answer.json(), dict)
    if answer.status >= 400:
        assert answer.json()["error"]["message"]


@quick
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "X"]),
    path=PATH,
    headers=HEADERS,
)
async def test_any_path_and_headers(method: str, path: str, headers: dict[str, str]) -> None:
    """Paths and headers of strangers."""
    _is_sound(await _client().request(method, path, AUTHORIZED | headers))


@quick
@given(path=ENDPOINT, body=BODY)
async def test_any_json(path: str, body: dict[str, Any]) -> None:
    """JSON of any types, numbers of any size."""
    _is_sound(await _client().post(path, json.dumps(body).encode()))


@quick
@given(path=ENDPOINT, body=st.binary(max_size=60), cut=st.integers(0, 60))
async def test_any_bytes(path: str, body: bytes, cut: int) -> None:
    """Bytes that are no JSON, in any pieces."""
    _is_sound(await _client().request("POST", path, AUTHORIZED, [body[:cut], body[cut:]]))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"model": "m"',
        b'{"model": "\\ud800", "messages": []}',
        b'{"model": "m", "messages": [{"role": "user", "content": "\\udc00\\ud800"}]}',
        '{"model": "\ud800", "messages": []}'.encode("utf-8", "surrogatepass"),
        b'{"model": "m", "messages": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"model": "m", "messages": [], "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"model": null, "messages": []}',
        b'{"model": "m", "messages": null}',
        b'{"model": "m", "messages": {}}',
        b'{"model": "m", "messages": [], "temperature": "hot"}',
        b'{"model": "m", "messages": [], "temperature": NaN}',
        b'{"model": "m", "messages": [], "temperature": 1e999}',
        b'{"model": "m", "messages": [], "n": 1.5}',
        b'{"model": "m", "messages": [], "stream": "yes"}',
        b'{"model": "m", "messages": [{"role": "wizard", "content": "x"}]}',
        b'{"model": "m", "messages": [], "reasoning_effort": "utmost"}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
    ],
)
async def test_wrong_bodies_are_a_clear_400(client: AsgiClient, gateway: FakeGateway, body: bytes) -> None:
    """The gateway never sees them, and the next request is answered."""
    answer = await client.post("/v1/chat/completions", body)
    assert answer.status == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert not gateway.requests
    good = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert (await client.post("/v1/chat/completions", good)).status == 200


async def test_nesting_below_the_limit_is_answered(client: AsgiClient) -> None:
    """Schemas of real tools are some ten levels deep."""
    nested: Any = 1
    for _ in range(60):
        nested = {"a": [nested]}
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "x": nested}
    assert (await client.post("/v1/chat/completions", msgspec.json.encode(body))).status == 200


async def test_websocket_is_turned_away() -> None:
    """Servers that speak it get a close, not an exception."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await application(FakeGateway())({"type": "websocket", "path": "/v1/realtime"}, receive, send)
    assert sent[0]["type"] == "websocket.close"
