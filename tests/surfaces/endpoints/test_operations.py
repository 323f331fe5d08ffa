"""The paths for operators."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glmgate import __version__
from glmgate.surfaces.interfaces import Readiness
from tests.surfaces.asgi_client import AsgiClient
from tests.surfaces.conftest import OPERATIONS, MakeClient


async def test_ready_server_says_so(client: AsgiClient) -> None:
    """With the state of each engine."""
    answer = await client.get("/readyz", {})
    assert (answer.status, answer.json()) == (200, {"status": "ready", "engines": {"glm-fake": "running"}})


async def test_server_that_cannot_answer_is_not_ready(make_client: MakeClient) -> None:
    """503, so that a load balancer leaves it out."""
    operations = replace(OPERATIONS, readiness=lambda: Readiness(ready=False, engines={"glm-fake": "failed"}))
    answer = await make_client(operations=operations).get("/readyz", {})
    assert (answer.status, answer.json()["status"], answer.headers["retry-after"]) == (503, "not_ready", "1")


async def test_metrics_are_handed_out_as_they_are(client: AsgiClient) -> None:
    """With the content type that says which format."""
    answer = await client.get("/metrics", {})
    assert (answer.headers["content-type"], answer.body) == ("text/plain; version=0.0.4", b"glmgate_up 1\n")


async def test_root_says_what_this_is(client: AsgiClient) -> None:
    """For whoever opens it in a browser."""
    body = (await client.get("/", {})).json()
    assert body["version"] == __version__
    assert "/api/paas/v4" in body["base_urls"]


async def test_what_is_going_on_is_shown_to_this_machine(make_client: MakeClient) -> None:
    """Fresh each time: nothing on the way may keep it."""
    client = make_client(operations=replace(OPERATIONS, now=lambda: {"in_flight": 2}))
    answer = await client.get("/glmgate/now", {"host": "127.0.0.1:8000"})
    assert (answer.json(), answer.headers["cache-control"]) == ({"in_flight": 2}, "no-store")


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"host": "127.0.0.1", "origin": "http://evil.example"}])
async def test_what_is_going_on_is_not_shown_to_pages(client: AsgiClient, headers: dict[str, str]) -> None:
    """They are asked for a key, as somebody elsewhere is."""
    assert (await client.get("/glmgate/now", headers)).status == 401


async def test_what_is_going_on_is_not_shown_elsewhere(make_client: MakeClient) -> None:
    """Also where the metrics are for all: they name no key."""
    answer = await make_client(peer="203.0.113.9", metrics_public=True).get("/glmgate/now", {})
    assert answer.status == 401
