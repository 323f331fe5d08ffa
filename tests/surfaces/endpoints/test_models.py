"""GET models."""

from __future__ import annotations

import pytest

from tests.surfaces.asgi_client import AsgiClient


async def test_list_has_openais_shape(client: AsgiClient) -> None:
    """Those that really answer."""
    body = (await client.get("/v1/models")).json()
    assert body["object"] == "list"
    [model] = body["data"]
    assert (model["id"], model["object"], model["owned_by"]) == ("glm-fake", "model", "glmgate")
    assert "glmgate" not in model


@pytest.mark.parametrize(
    ("path", "name"),
    [("gpt-4o", "gpt-4o"), ("zai-org/glm-4.6", "zai-org/glm-4.6"), ("zai-org%2Fglm-4.6", "zai-org/glm-4.6")],
)
async def test_stand_in_says_who_answers(client: AsgiClient, path: str, name: str) -> None:
    """Found by its own name, slashes and all."""
    body = (await client.get(f"/v1/models/{path}")).json()
    assert (body["id"], body["glmgate"]) == (name, {"answered_by": "glm-fake"})


async def test_unknown_model_is_not_found(client: AsgiClient) -> None:
    """404 with OpenAI's word."""
    answer = await client.get("/v1/models/none")
    assert (answer.status, answer.json()["error"]["code"]) == (404, "model_not_found")
