"""Who may administer: the holders of administrators' keys, from where those may be used."""

from __future__ import annotations

import pytest

from glmgate.errors import PermissionRefused
from glmgate.gateway.administration import check_administrator
from glmgate.surfaces.admin.routes import ADMINISTRATION
from glmgate.wire.engine import Caller
from glmgate.wire.terms import Scope, Terms
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


@pytest.mark.parametrize(
    ("networks", "client", "admitted"),
    [
        ((), None, True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8", "192.0.2.7/32"), "192.0.2.7", True),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("10.0.0.0/8",), "2001:db8::1", False),
        (("10.0.0.0/8",), "11.0.0.1", False),
        (("10.0.0.0/8",), None, False),
        (("10.0.0.0/8",), "unix", False),
    ],
)
def test_every_scope_has_its_networks(networks: tuple[str, ...], client: str | None, *, admitted: bool) -> None:
    """An address that is not known is in no network."""
    scopes = (Scope("organisation", "default"), Scope("key", "a", Terms(addresses=networks)))
    caller = Caller(key_id="a", admin=True, scopes=scopes)
    if admitted:
        check_administrator(caller, client)
    else:
        with pytest.raises(PermissionRefused, match="may not be used from"):
            check_administrator(caller, client)
