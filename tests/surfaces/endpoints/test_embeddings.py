"""POST embeddings."""

from __future__ import annotations

import base64
import struct

import pytest

from glmgate.wire.engine import Note
from tests.fakes.gateway import FakeGateway
from tests.surfaces.asgi_client import AsgiClient


async def test_vectors_are_numbers(client: AsgiClient) -> None:
    """One for each input, in its order."""
    body = (await client.post("/v1/embeddings", {"model": "embedding-3", "input": ["a", "b"]})).json()
    assert [item["embedding"] for item in body["data"]] == [[0.5, -1.0]] * 2
    assert [item["index"] for item in body["data"]] == [0, 1]
    assert (body["model"], body["usage"]["prompt_tokens"]) == ("embedding-fake", 3)


async def test_vectors_are_base64_when_asked(client: AsgiClient) -> None:
    """OpenAI's SDKs ask for it by default (contract E1)."""
    asked = {"model": "m", "input": "a", "encoding_format": "base64"}
    body = (await client.post("/v1/embeddings", asked)).json()
    assert struct.unpack("<2f", base64.b64decode(body["data"][0]["embedding"])) == (0.5, -1.0)


async def test_glms_clients_get_the_request_id(client: AsgiClient) -> None:
    """Their own, where they gave one."""
    body = (await client.post("/api/paas/v4/embeddings", {"model": "m", "input": "a", "request_id": "mine-7"})).json()
    assert body["request_id"] == "mine-7"


async def test_changes_are_reported(client: AsgiClient, gateway: FakeGateway) -> None:
    """In the header and in the body."""
    gateway.first_note = Note("dimensions", "1536->384")
    answer = await client.post("/v1/embeddings", {"model": "m", "input": "a"})
    assert answer.headers["x-glmgate-adaptations"] == "dimensions=1536->384"
    assert answer.json()["glmgate"] == {"adaptations": ["dimensions=1536->384"]}


@pytest.mark.parametrize(
    ("body", "param"),
    [({"model": "m"}, "input"), ({"model": "m", "input": 7}, "input"), ({"input": "a"}, "model")],
)
async def test_wrong_bodies_name_the_field(client: AsgiClient, body: dict[str, object], param: str) -> None:
    """A clear 400."""
    answer = await client.post("/v1/embeddings", body)
    assert (answer.status, answer.json()["error"]["param"]) == (400, param)
