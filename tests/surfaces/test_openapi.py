"""The description is true to what is served."""

from __future__ import annotations

from openapi_spec_validator import validate

from glmgate.surfaces.application import routes
from glmgate.surfaces.openapi import document
from glmgate.surfaces.routes import SERVED
from tests.surfaces.asgi_client import AsgiClient


async def test_description_is_valid(client: AsgiClient) -> None:
    """By the schema of OpenAPI 3.1."""
    answer = await client.get("/openapi.json", {})
    assert answer.headers["content-type"] == "application/json"
    validate(answer.json())


async def test_every_described_operation_is_answered_as_described(client: AsgiClient) -> None:
    """What is described as 501 answers so, everything else is served or asks for its body."""
    described = (await client.get("/openapi.json", {})).json()
    for path, item in described["paths"].items():
        base = "" if "servers" in item else "/v1"
        for method, operation in item.items():
            if method == "servers":
                continue
            filled = base + path.replace("{model}", "glm-fake").replace("{", "").replace("}", "")
            status = (await client.get(filled, method=method.upper())).status
            assert (status == 501) == ("501" in operation["responses"]), filled
            is_admins = operation.get("security") == [{"admin": []}]
            assert status == 403 if is_admins else status in {200, 400, 501}, filled


def test_all_routes_are_described() -> None:
    """Each method of each path, the description itself included."""
    operations = [m for item in document(routes())["paths"].values() for m in item if m != "servers"]
    assert len(operations) == len(routes()) - 1  # the page at a base is the page at the root


def test_types_are_shown_as_they_travel() -> None:
    """Known members with their types; the place for unknown ones is ours."""
    shown = document(SERVED)["components"]["schemas"]["ChatRequest"]
    assert shown["required"] == ["model", "messages"]
    assert {"temperature", "tools", "thinking"} <= shown["properties"].keys()
    assert not [name for name in shown["properties"] if "unknown" in name]
    assert shown["additionalProperties"] is True


def test_what_refuses_unknown_members_says_so() -> None:
    """The administration's bodies list all that they may hold."""
    schemas = document(SERVED)["components"]["schemas"]
    assert schemas["NewProject"]["additionalProperties"] is False
    assert schemas["AdminExtension"]["additionalProperties"] is False
