"""Keys of projects and of administrators over HTTP."""

from __future__ import annotations

import time

import pytest

from glmgate.policy.interfaces import Wanted
from tests.surfaces.admin.office import Office


async def test_a_key_goes_round(office: Office) -> None:
    """Made, shown, changed, revoked: only the first answer has its secret."""
    made = await office.got("POST", "/projects/default/api_keys", {"name": "a", "expires_in_seconds": 60})
    value = made.pop("value")
    key = await office.ring.key(made["id"])
    assert value == office.ring.text(key)
    assert made == {
        "id": key.id,
        "object": "organization.project.api_key",
        "name": "a",
        "created_at": int(key.created_at),
        "expires_at": pytest.approx(time.time() + 60, abs=5),
        "last_used_at": None,
        "redacted_value": f"{key.id}.***",
        "owner_project_access": "active",
        "owner": {"type": "user", "user": None},
        "glmgate": {"terms": {}},
    }
    path = f"/projects/default/api_keys/{key.id}"
    assert await office.got("GET", path) == made
    after = await office.got("POST", path, {"name": "b", "glmgate": {"terms": {"rpm": 5}}})
    assert after == made | {"name": "b", "glmgate": {"terms": {"rpm": 5}}}
    assert await office.got("DELETE", path) == {
        "object": "organization.project.api_key.deleted",
        "id": key.id,
        "deleted": True,
    }
    assert (await office.ring.key(key.id)).state(time.time()) == "revoked"
    assert (await office.ask("GET", path)).status == 404


async def test_a_projects_keys_are_listed_in_pages(office: Office) -> None:
    """Its own, those of service accounts included, without revoked ones and those of administrators."""
    project = (await office.got("POST", "/projects", {"name": "Web"}))["id"]
    path = f"/projects/{project}/api_keys"
    made = [(await office.got("POST", path, {"name": f"k{number}"}))["id"] for number in range(4)]
    account = await office.got("POST", f"/projects/{project}/service_accounts", {"name": "robot"})
    await office.got("POST", "/projects/default/api_keys", {"name": "elsewhere"})
    await office.got("DELETE", f"{path}/{made[0]}")
    assert set(await office.paged(path, 2)) == {*made[1:], account["api_key"]["id"]}
    assert await office.paged(f"{path}?owner_project_access=active", 3) == await office.paged(path, 100)
    assert await office.paged(f"{path}?owner_project_access=inactive", 3) == []
    owners = {each["id"]: each["owner"]["type"] for each in (await office.got("GET", path))["data"]}
    assert owners == dict.fromkeys(made[1:], "user") | {account["api_key"]["id"]: "service_account"}


async def test_keys_can_be_revoked_while_they_are_listed(office: Office) -> None:
    """The next page begins after the last one that was seen, though it is gone."""
    path = "/projects/default/api_keys"
    made = {(await office.got("POST", path, {"name": f"k{number}"}))["id"] for number in range(5)}
    seen: set[str] = set()
    after = ""
    while (page := await office.got("GET", f"{path}?limit=2{after}"))["data"]:
        for each in page["data"]:
            await office.got("DELETE", f"{path}/{each['id']}")
            seen.add(each["id"])
        after = f"&after={page['last_id']}"
    assert seen == made


async def test_a_key_of_another_project_is_not_there(office: Office) -> None:
    """Nor is an administrator's key a project's, or a project's an administrator's."""
    project = (await office.got("POST", "/projects", {"name": "Web"}))["id"]
    key = (await office.got("POST", "/projects/default/api_keys", {"name": "a"}))["id"]
    for path in (
        f"/projects/{project}/api_keys/{key}",
        f"/projects/default/api_keys/{office.root.id}",
        f"/admin_api_keys/{key}",
        "/admin_api_keys/nope",
    ):
        for method in ("GET", "DELETE"):
            assert (await office.refused(method, path))[:2] == (404, "object_not_found")
    assert (await office.ring.key(key)).revoked_at is None


async def test_an_administrators_key_goes_round(office: Office) -> None:
    """Made, shown, listed in both orders, revoked: only the first answer has its secret."""
    made = await office.got("POST", "/admin_api_keys", {"name": "second"})
    value = made.pop("value")
    assert made["object"] == "organization.admin_api_key"
    assert made["owner"]["role"] == "owner"
    assert value not in str(made)
    assert await office.got("GET", f"/admin_api_keys/{made['id']}") == made
    assert await office.paged("/admin_api_keys", 1) == [office.root.id, made["id"]]
    assert await office.paged("/admin_api_keys?order=desc", 1) == [made["id"], office.root.id]
    gone = await office.got("DELETE", f"/admin_api_keys/{made['id']}")
    assert gone == {"object": "organization.admin_api_key.deleted", "id": made["id"], "deleted": True}
    assert await office.paged("/admin_api_keys", 1) == [office.root.id]
    assert [key.kind for key in await office.ring.keys(Wanted(kinds=("admin",)))] == ["admin", "admin"]


async def test_mistakes_are_told(office: Office) -> None:
    """With the parameter; nothing is made."""
    path = "/projects/default/api_keys"
    for body, expected in (
        ({}, (400, "missing_required_parameter", "name")),
        ({"name": "a", "expires_in_seconds": 0}, (400, "invalid_value", "expires_in_seconds")),
        ({"name": "a", "expires_in_seconds": 10**12}, (400, "invalid_value", "expires_at")),
        ({"name": "a", "scopes": ["api.all.read"]}, (400, "unknown_parameter", "scopes")),
        ({"name": "a", "glmgate": {"terms": {"rpmm": 1}}}, (400, "unknown_parameter", "glmgate.terms.rpmm")),
        ({"name": "a", "glmgate": {"terms": 5}}, (400, "invalid_type", "glmgate.terms")),
    ):
        assert (await office.refused("POST", path, body))[:3] == expected
    assert (await office.refused("POST", "/projects/nope/api_keys", {"name": "a"}))[0] == 404
    assert (await office.refused("GET", f"{path}?owner_project_access=some"))[2] == "owner_project_access"
    assert await office.paged(path, 100) == []


async def test_nothing_is_made_in_an_archived_project(office: Office) -> None:
    """400, with the reason."""
    project = (await office.got("POST", "/projects", {"name": "Web"}))["id"]
    await office.got("POST", f"/projects/{project}/archive")
    status, _, param, message = await office.refused("POST", f"/projects/{project}/api_keys", {"name": "a"})
    assert (status, param) == (400, "project_id")
    assert "is archived" in message


async def test_an_administrators_key_takes_no_limits(office: Office) -> None:
    """They would hold for nothing; networks are good for it."""
    body = {"name": "b", "glmgate": {"terms": {"rpm": 5}}}
    status, _, param, message = await office.refused("POST", "/admin_api_keys", body)
    assert (status, param) == (400, "terms.rpm")
    assert "'rpm' would hold for nothing" in message
    made = await office.got(
        "POST", "/admin_api_keys", {"name": "b", "glmgate": {"terms": {"addresses": ["10.0.0.0/8"]}}}
    )
    assert made["glmgate"]["terms"] == {"addresses": ["10.0.0.0/8"]}
