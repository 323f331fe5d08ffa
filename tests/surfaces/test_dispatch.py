"""Route, credential, endpoint: in this order."""

from __future__ import annotations

import pytest

from tests.surfaces.asgi_client import AsgiClient
from tests.surfaces.conftest import MakeClient


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "//v1//models", "/v1/models/", "/api/paas/v4/models", "/api/coding/paas/v4/models", "/v4/models"],
)
async def test_same_handlers_under_every_base(client: AsgiClient, path: str) -> None:
    """No redirect, whatever the slashes: GLM's SDKs follow none (contract 1.1)."""
    assert (await client.get(path)).status == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json", "/", "/v1"])
async def test_open_paths_need_no_key(client: AsgiClient, path: str) -> None:
    """Probes and whoever looks what this is."""
    assert (await client.get(path, {})).status == 200


async def test_wrong_method_is_told_before_the_credential(client: AsgiClient) -> None:
    """405 with what would be possible, as JSON."""
    answer = await client.get("/v1/models", {}, method="PUT")
    assert (answer.status, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_options_lists_the_methods(client: AsgiClient) -> None:
    """Without a key (RFC 9110, section 9.3.7)."""
    answer = await client.get("/v1/embeddings", {}, method="OPTIONS")
    assert (answer.status, answer.headers["allow"], answer.body) == (200, "OPTIONS, POST", b"")


async def test_head_answers_like_get(client: AsgiClient) -> None:
    """The server leaves the body out; status and length are those of GET."""
    get, head = await client.get("/livez"), await client.get("/livez", method="HEAD")
    assert (head.status, head.headers["content-length"]) == (get.status, get.headers["content-length"])


async def test_content_type_does_not_matter(client: AsgiClient) -> None:
    """GLM's SDKs send one on GET too, some scripts send none (contract 1.1)."""
    headers = {"authorization": "Bearer an-id.a-secret", "content-type": "application/json; charset=UTF-8"}
    assert (await client.get("/v1/models", headers)).status == 200
    del headers["content-type"]
    headers["content-type"] = "text/plain"
    assert (await client.post("/v1/embeddings", {"model": "m", "input": "x"}, headers)).status == 200


@pytest.mark.parametrize(
    ("peer", "public", "status"), [("127.0.0.1", False, 200), ("192.0.2.1", False, 403), ("192.0.2.1", True, 200)]
)
async def test_metrics_are_for_this_machine(make_client: MakeClient, peer: str, *, public: bool, status: int) -> None:
    """Unless the settings say otherwise."""
    assert (await make_client(peer=peer, metrics_public=public).get("/metrics", {})).status == status
