"""POST tokenizer."""

from __future__ import annotations

from glmgate.wire.engine import Note
from tests.fakes.gateway import FakeGateway
from tests.surfaces.asgi_client import AsgiClient


async def test_tokens_are_counted(client: AsgiClient) -> None:
    """In the form of contract 4.3."""
    asked = {"model": "glm-4.6", "messages": [{"role": "user", "content": "a"}], "request_id": "mine-1"}
    body = (await client.post("/api/paas/v4/tokenizer", asked)).json()
    assert body["usage"] == {"prompt_tokens": 1, "image_tokens": 0, "video_tokens": 0, "total_tokens": 1}
    assert body["id"] == body["request_id"] == "mine-1"


async def test_changes_are_reported(client: AsgiClient, gateway: FakeGateway) -> None:
    """In the header and in the body: above all that another model's tokens were counted."""
    gateway.first_note = Note("model", "glm-4.6->glmgate-tiny")
    asked = {"model": "glm-4.6", "messages": [{"role": "user", "content": "a"}]}
    answer = await client.post("/v1/tokenizer", asked)
    assert answer.headers["x-glmgate-adaptations"] == "model=glm-4.6->glmgate-tiny"
    assert answer.json()["glmgate"] == {"adaptations": ["model=glm-4.6->glmgate-tiny"]}


async def test_unknown_role_is_refused(client: AsgiClient) -> None:
    """The field is named."""
    asked = {"model": "glm-4.6", "messages": [{"role": "nobody", "content": "a"}]}
    answer = await client.post("/api/paas/v4/tokenizer", asked)
    assert (answer.status, answer.json()["error"]["param"]) == (400, "messages[0].role")
