"""Service accounts over HTTP."""

from __future__ import annotations

import time

from tests.surfaces.admin.office import Office

PATH = "/projects/default/service_accounts"


async def test_a_service_account_goes_round(office: Office) -> None:
    """Made with its key, shown, renamed, deleted; only the first answer has the key's secret."""
    body = {"name": "robot", "expires_in_seconds": 60, "glmgate": {"terms": {"rpm": 5}}}
    made = await office.got("POST", PATH, body)
    key = made.pop("api_key")
    assert made == {
        "id": made["id"],
        "object": "organization.project.service_account",
        "name": "robot",
        "role": "member",
        "created_at": made["created_at"],
    }
    assert key["object"] == "organization.project.service_account.api_key"
    assert key["value"] == office.ring.text(await office.ring.key(key["id"]))
    assert key["glmgate"] == {"terms": {"rpm": 5}}
    assert key["expires_at"] is not None
    path = f"{PATH}/{made['id']}"
    assert await office.got("GET", path) == made
    assert await office.got("POST", path, {"name": "arm", "role": "member"}) == made | {"name": "arm"}
    gone = await office.got("DELETE", path)
    assert gone == {"object": "organization.project.service_account.deleted", "id": made["id"], "deleted": True}
    assert (await office.ask("GET", path)).status == 404
    assert (await office.ring.key(key["id"])).state(time.time()) == "revoked"


async def test_a_service_account_without_a_key_can_get_one(office: Office) -> None:
    """As many as it needs, under its name or another."""
    made = await office.got("POST", PATH, {"name": "robot", "create_service_account_only": True})
    assert made["api_key"] is None
    one = await office.got("POST", f"{PATH}/{made['id']}/api_keys", {})
    two = await office.got("POST", f"{PATH}/{made['id']}/api_keys", {"name": "two"})
    assert (one["name"], two["name"]) == ("robot", "two")
    shown = await office.got("GET", f"/projects/default/api_keys/{one['id']}")
    assert shown["owner"]["service_account"]["id"] == made["id"]


async def test_service_accounts_are_listed_in_pages(office: Office) -> None:
    """Those of the project, each once."""
    made = [(await office.got("POST", PATH, {"name": f"r{number}"}))["id"] for number in range(5)]
    project = (await office.got("POST", "/projects", {"name": "Web"}))["id"]
    await office.got("POST", f"/projects/{project}/service_accounts", {"name": "elsewhere"})
    assert sorted(await office.paged(PATH, 2)) == sorted(made)


async def test_mistakes_are_told(office: Office) -> None:
    """With the parameter; nothing is made."""
    account = (await office.got("POST", PATH, {"name": "robot"}))["id"]
    for path, body, expected in (
        (PATH, {}, (400, "name")),
        (PATH, {"name": "a", "role": "owner"}, (400, "role")),
        (
            PATH,
            {"name": "a", "create_service_account_only": True, "expires_in_seconds": 5},
            (400, "create_service_account_only"),
        ),
        (f"{PATH}/{account}", {"role": "owner"}, (400, "role")),
        (f"{PATH}/nope", {"name": "a"}, (404, "service_account_id")),
        (f"{PATH}/nope/api_keys", {"name": "a"}, (404, "service_account_id")),
        ("/projects/nope/service_accounts", {"name": "a"}, (404, "project_id")),
    ):
        status, _, param, message = await office.refused("POST", path, body)
        assert (status, param) == expected, message
    assert await office.paged(PATH, 100) == [account]
