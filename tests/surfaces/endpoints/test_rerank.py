"""POST rerank."""

from __future__ import annotations

import pytest

from glmgate.wire.engine import Note
from tests.fakes.gateway import FakeGateway
from tests.surfaces.asgi_client import AsgiClient

ASKED = {"model": "rerank", "query": "q", "documents": ["a", "b"], "return_documents": True}


async def test_glms_clients_get_the_contracts_form(client: AsgiClient) -> None:
    """Ids, results and usage (contract 4.2)."""
    body = (await client.post("/api/paas/v4/rerank", ASKED | {"request_id": "mine-1"})).json()
    assert body["id"] == body["request_id"] == "mine-1"
    assert isinstance(body["created"], int)
    assert body["results"] == [{"index": 1, "relevance_score": 0.5, "document": "b"}]
    assert body["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


async def test_others_get_the_common_form(client: AsgiClient) -> None:
    """On `/v1`; it is said which model answered."""
    body = (await client.post("/v1/rerank", ASKED)).json()
    assert body["results"][0]["document"] == {"text": "b"}
    assert body["model"] == "embedding-fake"


async def test_what_was_done_is_reported(client: AsgiClient, gateway: FakeGateway) -> None:
    """In the header and in the body."""
    gateway.first_note = Note("rerank", "emulated")
    answer = await client.post("/v1/rerank", ASKED)
    assert answer.headers["x-glmgate-adaptations"] == "rerank=emulated"
    assert answer.json()["glmgate"] == {"adaptations": ["rerank=emulated"]}


@pytest.mark.parametrize(("missing", "param"), [("query", "query"), ("documents", "documents"), ("model", "model")])
async def test_missing_members_are_named(client: AsgiClient, missing: str, param: str) -> None:
    """A clear 400."""
    answer = await client.post("/v1/rerank", {key: value for key, value in ASKED.items() if key != missing})
    assert (answer.status, answer.json()["error"]["param"]) == (400, param)
