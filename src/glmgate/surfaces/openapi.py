"""The description of the API (OpenAPI 3.1), made from the route table and the types that requests are read into.

Nothing is written by hand that the code knows, so it is true to what is served.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from glmgate import __version__
from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.paths import BASES
from glmgate.surfaces.reply import Reply
from glmgate.surfaces.table import Endpoint, Route
from glmgate.wire.members import Members

_PARAMETER = re.compile(r"\{(\w+)\*?\}")
_UNKNOWN = " unknown"  # where `wire.members` keeps what it does not know; never on the wire
_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "request_id"],
    "properties": {
        "request_id": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["code", "message", "type", "param"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "zai_code": {"type": "string"},
                "openai_code": {"type": "string"},
            },
        },
    },
}


def endpoint(routes: Iterable[Route]) -> Endpoint:
    """GET /openapi.json for what `routes` holds when it is first asked for; it is written once."""
    body: bytes | None = None

    async def openapi(exchange: Exchange) -> None:
        nonlocal body
        if body is None:
            body = msgspec.json.encode(document(routes))
        await exchange.reply(Reply(body))

    return openapi


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole description."""
    given = tuple(routes)
    bodies = list(dict.fromkeys(route.body for route in given if route.body is not None))
    _, schemas = _schemas(bodies)
    _, closed = _schemas([route.body for route in given if route.body is not None and route.access == "admin"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "glmgate", "version": __version__, "description": _description()},
        "servers": [{"url": base, "description": f"{surface} dialect"} for base, surface in BASES],
        "paths": _paths(given),
        "components": {
            "schemas": {name: _shown(schema, more=name not in closed) for name, schema in schemas.items()}
            | {"Error": _ERROR},
            "responses": {
                "Error": _response("What is wrong, and what to do", {"$ref": "#/components/schemas/Error"}),
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "admin": {"type": "http", "scheme": "bearer", "description": "A key of an administrator"},
            },
        },
    }


def _description() -> str:
    return (
        "One API in two dialects. Members that are not listed are welcome, but not where a schema closes its list; "
        "null is read as absent. What was changed or left out for the model that answers stands in "
        "`x-glmgate-adaptations`; `x-glmgate-cache` tells an answer that was given before (`hit`) or to another "
        "request at the same time (`shared`). Operations that answer 501 stand in a vendor's catalogue and are not "
        "served."
    )


def _paths(routes: tuple[Route, ...]) -> dict[str, Any]:
    """Path → operations. Templates that differ only in names would be the same path, so the first name is kept."""
    shown: dict[tuple[bool, str], str] = {}
    paths: dict[str, Any] = {}
    for route in routes:
        if route.path == "/" and not route.rooted:
            continue  # the page at a base is the page at the root
        plain = _PARAMETER.sub(r"{\1}", route.path)
        path = shown.setdefault((route.rooted, _PARAMETER.sub("{}", route.path)), plain)
        item = paths.setdefault(path, {"servers": [{"url": "/"}]} if route.rooted else {})
        item.setdefault(route.method.lower(), _operation(route, path))
    return paths


def _operation(route: Route, path: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{path}").strip("_"),
        "responses": _responses(route),
    }
    if names := _PARAMETER.findall(path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if route.body is not None:
        schema = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if route.access in {"key", "admin"}:
        operation["security"] = [{route.access: []}]
    return operation


def _responses(route: Route) -> dict[str, Any]:
    if not route.served:
        return {"501": {"$ref": "#/components/responses/Error"}}
    answer = _response("The answer", {"type": "object"})
    if route.streams:
        answer["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return {"200": answer, "default": {"$ref": "#/components/responses/Error"}}


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _schemas(bodies: list[type[Members]]) -> tuple[object, dict[str, dict[str, Any]]]:
    return msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")


def _shown(schema: dict[str, Any], *, more: bool) -> dict[str, Any]:
    """A type as it is on the wire: without our own place for unknown members, and whether they are welcome."""
    properties = {name: member for name, member in schema.get("properties", {}).items() if name != _UNKNOWN}
    return schema | {"properties": properties, "additionalProperties": more}
