"""The id and the time on every answer."""

from __future__ import annotations

import pytest

from tests.surfaces.asgi_client import AUTHORIZED, AsgiClient


@pytest.mark.parametrize("path", ["/livez", "/v1/models", "/v1/nothing", "/v1/responses", "/v1/embeddings", "/"])
async def test_every_answer_has_an_id_and_a_time(client: AsgiClient, path: str) -> None:
    """Served or refused, with a key or without."""
    for headers in (AUTHORIZED, {}):
        answer = await client.get(path, headers)
        assert len(answer.headers["x-request-id"]) == 30
        assert int(answer.headers["openai-processing-ms"]) >= 0


async def test_id_of_the_client_is_echoed(client: AsgiClient) -> None:
    """Also on refusals, and in their body."""
    answer = await client.get("/v1/nothing", {"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mine-1"
