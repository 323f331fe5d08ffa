"""The audit log over HTTP: one row for each act, found by every filter, read page by page in both directions."""

from __future__ import annotations

import time
from typing import Any

import pytest

from glmgate.policy.audit import Verifier
from glmgate.policy.keyring import KeyChange
from tests.surfaces.admin.office import Office


@pytest.fixture
async def busy(office: Office) -> Office:
    """An office where one act of each sort was done over HTTP, and one at the machine."""
    project = (await office.got("POST", "/projects", {"name": "Web"}))["id"]
    await office.got("POST", f"/projects/{project}", {"name": "Other"})
    await office.got("POST", f"/projects/{project}/rate_limits/rl-{project}", {"max_requests_per_1_minute": 5})
    key = (await office.got("POST", f"/projects/{project}/api_keys", {"name": "a"}))["id"]
    await office.got("POST", f"/projects/{project}/api_keys/{key}", {"name": "b"})
    await office.got("DELETE", f"/projects/{project}/api_keys/{key}")
    account = (await office.got("POST", f"/projects/{project}/service_accounts", {"name": "r"}))["id"]
    await office.got("POST", f"/projects/{project}/service_accounts/{account}", {"name": "s"})
    await office.got("DELETE", f"/projects/{project}/service_accounts/{account}")
    await office.got("POST", "/admin_api_keys", {"name": "second"})
    await office.got("POST", f"/projects/{project}/archive")
    await office.ring.acting("cli:ann").change(office.root.id, KeyChange(name="boss"))
    return office


async def acts(office: Office, query: str = "") -> list[dict[str, Any]]:
    """The acts that a query finds, at most a hundred."""
    found: list[dict[str, Any]] = (await office.got("GET", f"/audit_logs?limit=100{query}"))["data"]
    return found


async def test_each_act_has_its_row(busy: Office) -> None:
    """The newest first, in OpenAI's words; looking is no act, and the chain is whole."""
    assert [act["type"] for act in reversed(await acts(busy))] == [
        "api_key.created",
        "project.created",
        "project.updated",
        "rate_limit.updated",
        "api_key.created",
        "api_key.updated",
        "api_key.deleted",
        "service_account.created",
        "api_key.created",
        "service_account.updated",
        "api_key.deleted",
        "service_account.deleted",
        "api_key.created",
        "project.archived",
        "api_key.updated",
    ]
    verifier = Verifier()
    verifier.feed(await busy.store.entries(limit=100))
    assert verifier.end() is None


async def test_a_row_says_who_did_what(busy: Office) -> None:
    """In OpenAI's shape, with the row itself in `glmgate`."""
    made, renamed, rates = [act for act in reversed(await acts(busy)) if act["type"].split(".")[0] != "api_key"][:3]
    assert made["object"] == "organization.audit_log"
    assert made["actor"] == {"type": "api_key", "api_key": {"id": busy.root.id, "type": "user", "user": None}}
    assert made["project.created"] == {"id": made["project"]["id"], "data": {"name": "Web", "title": "Web"}}
    assert renamed["project.updated"]["changes_requested"] == {"title": "Other"}
    assert rates["rate_limit.updated"]["changes_requested"]["max_requests_per_1_minute"] == 5
    assert (renamed["glmgate"]["before"]["name"], renamed["glmgate"]["after"]["name"]) == ("Web", "Other")
    assert made["effective_at"] == int(made["glmgate"]["at"])
    assert renamed["glmgate"]["previous"] == made["glmgate"]["digest"]


async def test_an_act_at_the_machine_has_its_user(busy: Office) -> None:
    """A session, in OpenAI's words."""
    (act,) = await acts(busy, "&actor_ids[]=cli:ann")
    assert act["actor"]["type"] == "session"
    assert act["actor"]["session"]["user"]["id"] == "cli:ann"


async def test_no_row_has_a_secret(busy: Office) -> None:
    """Not of any key that was ever made."""
    answer = await busy.ask("GET", "/audit_logs?limit=100")
    for key in await busy.ring.keys():
        assert key.id.encode() in answer.body
        assert busy.ring.text(key).partition(".")[2].encode() not in answer.body


async def test_filters_find_what_they_say(busy: Office) -> None:
    """Alone and together; lists as the SDKs write them, repeated, or with commas."""
    everything = await acts(busy)
    project = next(act["project"]["id"] for act in everything if act["type"] == "project.created")
    created = "project.created", "service_account.created"
    for query in (
        f"&event_types[]={created[0]}&event_types[]={created[1]}",
        f"&event_types={created[0]}&event_types={created[1]}",
        f"&event_types={','.join(created)}",
    ):
        assert {act["type"] for act in await acts(busy, query)} == set(created)
    assert len(await acts(busy, f"&project_ids[]={project}")) == 12
    assert [act["type"] for act in await acts(busy, f"&resource_ids[]={project}&event_types[]=project.updated")] == [
        "project.updated"
    ]
    now = int(time.time())
    assert len(await acts(busy, f"&effective_at[gte]={now - 60}&effective_at[lt]={now + 60}")) == len(everything)
    assert await acts(busy, f"&effective_at[gt]={now + 60}") == []
    assert await acts(busy, f"&effective_at[lte]={now - 60}") == []


async def test_a_second_is_in_its_bounds_or_not(busy: Office) -> None:
    """`gte` and `lte` take the second of the act, `gt` and `lt` leave it out."""
    (act,) = await acts(busy, "&event_types[]=project.archived")
    at = act["effective_at"]
    for bound, there in (("gte", True), ("lte", True), ("gt", False), ("lt", False)):
        found = await acts(busy, f"&event_types[]=project.archived&effective_at[{bound}]={at}")
        assert (found == [act]) == there


async def test_the_log_is_read_in_pages(busy: Office) -> None:
    """Each row once to the end; `before` turns a page back."""
    everything = [act["id"] for act in await acts(busy)]
    assert await busy.paged("/audit_logs", 4) == everything
    back = await busy.got("GET", f"/audit_logs?limit=3&before={everything[5]}")
    assert [act["id"] for act in back["data"]] == everything[2:5]
    assert back["has_more"]
    back = await busy.got("GET", f"/audit_logs?limit=3&before={everything[2]}")
    assert ([act["id"] for act in back["data"]], back["has_more"]) == (everything[:2], False)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("after=nope", "after"),
        ("after=audit_log-", "after"),
        ("before=audit_log-x", "before"),
        ("after=audit_log-1&before=audit_log-2", "before"),
        ("effective_at[since]=5", "effective_at"),
        ("effective_at[gte]=yesterday", "effective_at.gte"),
        ("actor_emails[]=a@b", "actor_emails"),
        ("limit=5&limit=6", "limit"),
        ("tenant_only=true", "tenant_only"),
    ],
)
async def test_mistakes_are_told(office: Office, query: str, param: str) -> None:
    """With the parameter."""
    status, _, told, message = await office.refused("GET", f"/audit_logs?{query}")
    assert (status, told) == (400, param), message
