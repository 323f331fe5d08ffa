"""A server without keys."""

from __future__ import annotations

import pytest

from glmgate.surfaces.middleware.loopback import is_loopback_host
from tests.fakes.gateway import FakeGateway
from tests.surfaces.conftest import MakeClient

LOCAL = {"host": "127.0.0.1:8000"}


@pytest.fixture
def gateway() -> FakeGateway:
    """A gateway that asks for no key, as the application makes it with `--no-auth`."""
    return FakeGateway(asks_for_keys=False)


async def test_own_program_needs_no_key(make_client: MakeClient) -> None:
    """That is what it is for."""
    assert (await make_client(auth=False).get("/v1/models", LOCAL)).status == 200


async def test_own_program_may_send_any_key(make_client: MakeClient, gateway: FakeGateway) -> None:
    """SDKs cannot do without one."""
    body = {"model": "m", "input": "x"}
    answer = await make_client(auth=False).post("/v1/embeddings", body, LOCAL | {"authorization": "Bearer x"})
    assert answer.status == 200
    assert gateway.calls[0].caller.key_id == "anyone"


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.1", LOCAL),
        ("127.0.0.1", {"host": "evil.example:8000"}),
        ("127.0.0.1", {}),
        ("127.0.0.1", LOCAL | {"origin": "https://evil.example"}),
        ("127.0.0.1", LOCAL | {"origin": "null"}),
        ("127.0.0.1", LOCAL | {"sec-fetch-site": "cross-site"}),
        ("127.0.0.1", LOCAL | {"x-forwarded-for": "192.0.2.1"}),
    ],
)
async def test_others_are_refused(make_client: MakeClient, peer: str, headers: dict[str, str]) -> None:
    """Other machines, names that point here, pages from elsewhere, and proxies that speak for others."""
    answer = await make_client(peer=peer, auth=False).get("/v1/models", headers)
    assert (answer.status, answer.json()["error"]["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8000", "https://app.example"])
async def test_own_and_allowed_pages_may_call(make_client: MakeClient, origin: str) -> None:
    """Pages of this machine, and those of the allow-list."""
    client = make_client(auth=False, cors_origins=("https://app.example",))
    assert (await client.get("/v1/models", LOCAL | {"origin": origin})).status == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.8.8.8:1", "[::1]:8000", "::1", "a.localhost"]
)
def test_names_of_this_machine(host: str) -> None:
    """With a port and without."""
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host", ["", "example.org", "127.0.0.1.example.org", "localhost.example", "0.0.0.0", "[::]:80", "10.0.0.1"]
)
def test_names_of_others(host: str) -> None:
    """All others, also those that look alike."""
    assert not is_loopback_host(host)
