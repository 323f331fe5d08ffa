"""Browser pages of other origins."""

from __future__ import annotations

import pytest

from tests.surfaces.asgi_client import AUTHORIZED, AsgiClient
from tests.surfaces.conftest import MakeClient

ORIGIN = "https://app.example"
PREFLIGHT = {"origin": ORIGIN, "access-control-request-method": "POST"}


async def test_off_without_a_list(client: AsgiClient) -> None:
    """No page of another origin can read an answer."""
    answer = await client.get("/v1/models", AUTHORIZED | {"origin": ORIGIN})
    assert "access-control-allow-origin" not in answer.headers
    preflight = await client.get("/v1/models", PREFLIGHT, method="OPTIONS")
    assert "access-control-allow-origin" not in preflight.headers


async def test_preflight_of_an_allowed_page_needs_no_key(make_client: MakeClient) -> None:
    """Browsers never send one with it."""
    asked = PREFLIGHT | {"access-control-request-headers": "authorization, x-stainless-os"}
    client = make_client(cors_origins=(ORIGIN,))
    answer = await client.get("/v1/chat/completions", asked, method="OPTIONS")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization, x-stainless-os"
    assert answer.headers["vary"] == "origin"


async def test_names_that_are_no_field_names_are_not_echoed(make_client: MakeClient) -> None:
    """Nothing that a stranger sends comes back in a header unseen."""
    client = make_client(cors_origins=(ORIGIN,))
    answer = await client.get("/v1/models", PREFLIGHT | {"access-control-request-headers": "a\x7f;b"}, method="OPTIONS")
    assert answer.headers["access-control-allow-headers"] == "*"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/nothing", "/v1/responses"])
async def test_answers_to_an_allowed_page_are_marked(make_client: MakeClient, path: str) -> None:
    """Refusals too, or the page could not read why; the ids may be read."""
    answer = await make_client(cors_origins=(ORIGIN,)).get(path, AUTHORIZED | {"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "x-request-id" in answer.headers["access-control-expose-headers"]


async def test_other_pages_get_no_mark(make_client: MakeClient) -> None:
    """The list is a list."""
    client = make_client(cors_origins=(ORIGIN,))
    answer = await client.get("/v1/models", AUTHORIZED | {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_star_allows_all_pages(make_client: MakeClient) -> None:
    """Without credentials mode, as the standard asks."""
    answer = await make_client(cors_origins=("*",)).get("/v1/models", AUTHORIZED | {"origin": "https://any.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
