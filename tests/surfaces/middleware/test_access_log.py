"""The line of a request that never reached the gateway."""

from __future__ import annotations

import logging

import pytest

from tests.surfaces.asgi_client import AsgiClient


@pytest.fixture(autouse=True)
def _level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="glmgate.surfaces")


async def test_refused_request_has_a_line(client: AsgiClient, caplog: pytest.LogCaptureFixture) -> None:
    """Who, what and how it ended; nothing that a caller typed."""
    await client.post("/v1/chat/completions?key=secret", b"{}", {"x-request-id": "r-1"})
    [line] = [record.__dict__ for record in caplog.records]
    assert (line["request_id"], line["status"], line["method"], line["base"]) == ("r-1", 401, "POST", "/v1")
    assert "secret" not in str(line)


async def test_line_names_the_key(client: AsgiClient, caplog: pytest.LogCaptureFixture) -> None:
    """Its id, never its secret."""
    await client.get("/v1/models")
    [line] = [record.__dict__ for record in caplog.records]
    assert line["key_id"] == "an-id"


async def test_request_of_the_gateway_has_none_here(client: AsgiClient, caplog: pytest.LogCaptureFixture) -> None:
    """The gateway writes it, with tokens and ending."""
    await client.post("/v1/embeddings", {"model": "m", "input": "x"})
    assert not caplog.records


async def test_probes_have_none(client: AsgiClient, caplog: pytest.LogCaptureFixture) -> None:
    """They would drown all others."""
    for path in ("/livez", "/readyz", "/metrics"):
        await client.get(path)
    assert not caplog.records
