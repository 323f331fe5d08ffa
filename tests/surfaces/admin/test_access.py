"""Who may administer: the holders of administrators' keys, from where those may be used."""

from __future__ import annotations

from glmgate.surfaces.admin.routes import ADMINISTRATION
from tests.surfaces.admin.office import Office, opened
from tests.surfaces.asgi_client import AsgiClient


async def test_a_users_key_is_refused_everywhere(office: Office) -> None:
    """403, before any body is read, and the message says which key would do."""
    user = await office.ring.create("user")
    for route in ADMINISTRATION:
        path = route.path.removeprefix("/organization").replace("{", "").replace("}", "")
        answer = await office.ask(route.method, path, b"no json", key=user)
        assert answer.status == 403, route
        assert "--admin" in answer.json()["error"]["message"]


async def test_no_key_is_no_administrator(office: Office) -> None:
    """401, as everywhere."""
    assert (await office.client.get("/v1/organization/projects", {})).status == 401


async def test_a_revoked_administrator_is_refused(office: Office) -> None:
    """As any key is; also one that has just revoked itself, within a second."""
    other = await office.got("POST", "/admin_api_keys", {"name": "other"})
    await office.got("DELETE", f"/admin_api_keys/{other['id']}")
    key = await office.ring.key(other["id"])
    assert (await office.ask("GET", "/projects", key=key)).status == 401


async def test_a_server_without_keys_has_no_administration(client: AsgiClient) -> None:
    """It says so, and does not pretend."""
    answer = await client.get("/v1/organization/projects")
    assert answer.status == 403
    assert "nothing to administer" in answer.json()["error"]["message"]


async def test_an_administrators_key_may_be_bound_to_networks() -> None:
    """Asked from elsewhere, it is refused."""
    assert (await (await opened(root_terms={"addresses": ["127.0.0.0/8"]})).ask("GET", "/projects")).status == 200
    assert (await (await opened(root_terms={"addresses": ["10.0.0.0/8"]})).ask("GET", "/projects")).status == 403


async def test_an_administrators_key_asks_no_model(office: Office) -> None:
    """403 on every other path that needs a key."""
    headers = {"authorization": f"Bearer {office.ring.text(office.root)}"}
    assert (await office.client.get("/v1/models", headers)).status == 403
    assert (await office.client.post("/v1/embeddings", {"model": "m", "input": "x"}, headers)).status == 403
