"""The line of a request that never reached the gateway."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.surfaces.asgi_client import AsgiClient


async def test_refused_request_has_a_line(client: AsgiClient) -> None:
    """Who, what and how it ended; nothing that a caller typed."""
    with capture_logs() as lines:
        await client.post("/v1/chat/completions?key=secret", b"{}", {"x-request-id": "r-1"})
    [line] = lines
    assert (line["request_id"], line["status"], line["method"], line["base"]) == ("r-1", 401, "POST", "/v1")
    assert "secret" not in str(line)


async def test_line_names_the_key(client: AsgiClient) -> None:
    """Its id, never its secret."""
    with capture_logs() as lines:
        await client.get("/v1/models")
    assert [line["key_id"] for line in lines] == ["an-id"]


async def test_line_names_the_route(client: AsgiClient) -> None:
    """Its template, not what stood in its place."""
    with capture_logs() as lines:
        await client.get("/v1/models/gpt-4o")
        await client.get("/v1/typed-by-a-caller")
    assert [line["route"] for line in lines] == ["/models/{model*}", None]


async def test_request_of_the_gateway_has_none_here(client: AsgiClient) -> None:
    """The gateway writes it, with tokens and ending."""
    with capture_logs() as lines:
        await client.post("/v1/embeddings", {"model": "m", "input": "x"})
    assert not lines


async def test_probes_have_none(client: AsgiClient) -> None:
    """They would drown all others."""
    with capture_logs() as lines:
        for path in ("/livez", "/readyz", "/metrics"):
            await client.get(path)
    assert not lines


async def test_line_says_how_it_ended(client: AsgiClient) -> None:
    """In the words of the gateway's lines, with the error's code."""
    with capture_logs() as lines:
        await client.get("/v1/models")
        await client.post("/v1/chat/completions", b"{")
        await client.post("/v1/responses", {})
    assert [(line["ending"], line["error"]) for line in lines] == [
        ("completed", None),
        ("refused", "invalid_json"),
        ("refused", "unsupported_endpoint"),
    ]
