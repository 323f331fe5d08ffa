"""Projects and their rates over HTTP."""

from __future__ import annotations

from tests.surfaces.admin.office import Office


async def test_a_project_goes_round(office: Office) -> None:
    """Made, shown, changed, archived: each answer is the project in OpenAI's shape."""
    made = await office.got("POST", "/projects", {"name": "Web"})
    assert made == {
        "id": made["id"],
        "object": "organization.project",
        "name": "Web",
        "created_at": made["created_at"],
        "archived_at": None,
        "status": "active",
        "glmgate": {"terms": {}},
    }
    path = f"/projects/{made['id']}"
    assert await office.got("GET", path) == made
    assert await office.got("POST", path, {"name": "Other"}) == made | {"name": "Other"}
    closed = await office.got("POST", f"{path}/archive")
    assert closed["status"] == "archived"
    assert closed["archived_at"] >= made["created_at"]
    assert await office.got("GET", path) == closed


async def test_terms_go_both_ways(office: Office) -> None:
    """What was read can be sent back; null takes back, what is not named stays."""
    terms = {"rpm": 5, "budgets": [{"limit": "10", "unit": "USD", "period": "day"}], "models": ["glm-4.*"]}
    made = await office.got("POST", "/projects", {"name": "Web", "glmgate": {"terms": terms}})
    assert made["glmgate"] == {"terms": terms}
    path = f"/projects/{made['id']}"
    assert await office.got("POST", path, {"glmgate": made["glmgate"]}) == made
    after = await office.got("POST", path, {"glmgate": {"terms": {"rpm": None, "tpm": 7}}})
    assert after["glmgate"]["terms"] == {"budgets": terms["budgets"], "models": terms["models"], "tpm": 7}


async def test_projects_are_listed_in_pages(office: Office) -> None:
    """To the end, each once, archived ones only where they are asked for."""
    made = [(await office.got("POST", "/projects", {"name": f"p{number}"}))["id"] for number in range(5)]
    await office.got("POST", f"/projects/{made[2]}/archive")
    assert set(await office.paged("/projects", 2)) == {"default", *made} - {made[2]}
    listed = await office.paged("/projects?include_archived=true", 2)
    assert sorted(listed) == sorted(["default", *made])
    assert await office.paged("/projects", 5) == await office.paged("/projects", 100)


async def test_rates_are_terms_of_the_project(office: Office) -> None:
    """One for all models; what is sent is set, and seen in both places."""
    project = (await office.got("POST", "/projects", {"name": "Web"}))["id"]
    (rate,) = (await office.got("GET", f"/projects/{project}/rate_limits"))["data"]
    assert rate == {
        "id": f"rl-{project}",
        "object": "project.rate_limit",
        "model": "*",
        "max_requests_per_1_minute": 2**53 - 1,
        "max_tokens_per_1_minute": 2**53 - 1,
    }
    path = f"/projects/{project}/rate_limits/{rate['id']}"
    after = await office.got("POST", path, {"max_requests_per_1_minute": 5})
    assert after == rate | {"max_requests_per_1_minute": 5}
    after = await office.got("POST", path, {"max_tokens_per_1_minute": 1000})
    assert after == rate | {"max_requests_per_1_minute": 5, "max_tokens_per_1_minute": 1000}
    shown = await office.got("GET", f"/projects/{project}")
    assert shown["glmgate"]["terms"] == {"rpm": 5, "tpm": 1000}
    assert await office.got("POST", path, {"max_requests_per_1_minute": 2**53 - 1}) == after | {
        "max_requests_per_1_minute": 2**53 - 1
    }
    shown = await office.got("GET", f"/projects/{project}")
    assert shown["glmgate"]["terms"] == {"tpm": 1000}
    assert await office.paged(f"/projects/{project}/rate_limits", 1) == [rate["id"]]
    assert (await office.got("GET", f"/projects/{project}/rate_limits?after={rate['id']}"))["data"] == []


async def test_mistakes_are_told(office: Office) -> None:
    """With the parameter, and in OpenAI's codes."""
    for method, path, body, expected in (
        ("GET", "/projects/nope", None, (404, "object_not_found", "project_id")),
        ("POST", "/projects/nope", {"name": "a"}, (404, "object_not_found", "project_id")),
        ("POST", "/projects/nope/archive", None, (404, "object_not_found", "project_id")),
        ("POST", "/projects/default/archive", None, (400, "invalid_value", "project_id")),
        ("POST", "/projects", {}, (400, "missing_required_parameter", "name")),
        ("POST", "/projects", {"name": ""}, (400, "invalid_value", "name")),
        ("POST", "/projects", {"name": 5}, (400, "invalid_type", "name")),
        ("POST", "/projects", {"name": "a", "geography": "EU"}, (400, "unknown_parameter", "geography")),
        ("POST", "/projects", {"name": "a", "glmgate": {"rpm": 5}}, (400, "unknown_parameter", "glmgate.rpm")),
        (
            "POST",
            "/projects",
            {"name": "a", "glmgate": {"terms": {"rpm": 0}}},
            (400, "invalid_value", "glmgate.terms.rpm"),
        ),
        ("GET", "/projects?limit=0", None, (400, "invalid_type", "limit")),
        ("GET", "/projects?limit=101", None, (400, "invalid_type", "limit")),
        ("GET", "/projects?after=nope", None, (400, "invalid_value", "after")),
        ("GET", "/projects?colour=red", None, (400, "unknown_parameter", "colour")),
        (
            "POST",
            "/projects/default/rate_limits/rl-other",
            {"max_requests_per_1_minute": 5},
            (404, "object_not_found", "rate_limit_id"),
        ),
        (
            "POST",
            "/projects/default/rate_limits/rl-default",
            {"max_images_per_1_minute": 5},
            (400, "unknown_parameter", "max_images_per_1_minute"),
        ),
    ):
        status, code, param, message = await office.refused(method, path, body)
        assert (status, code, param) == expected, (method, path, body, message)
