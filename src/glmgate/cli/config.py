"""`glmgate config`: looks at the settings without starting anything.

What is right and wrong is decided in `glmgate.settings`; no service is asked, and no secret is ever printed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from glmgate.app.counting import check_store, chosen
from glmgate.app.coverage import checked_keys
from glmgate.app.local import local_kinds
from glmgate.app.routes import check as check_routes
from glmgate.cli.options import place, read
from glmgate.settings import Settings
from glmgate.settings.models import Model, Route
from glmgate.settings.upstreams import UpstreamSettings
from glmgate.storage.database import parsed, shown

_KEYS: Final = {
    "covered": "every budget of money covers what its key can be charged, and every filter of terms is there",
    "none": "not looked at: there is no database yet, or the server asks for none",
    "unready": "not looked at: the database has to be upgraded, or cannot be reached, or its master key is missing",
}


@click.group("config")
def command() -> None:
    """Look at the settings."""


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@place
def check(home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Check the settings, and show which services and models they name. Asks no service; shows no secret.

    Exit status 1 when something is wrong, with what it is and where it stands.
    """
    settings = read(home, config)
    local = local_kinds(settings)
    check_routes(settings, local)
    asyncio.run(check_store(settings))
    found = _found(settings) | {"keys": asyncio.run(checked_keys(settings, local))}
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_lines(found)))


def _found(settings: Settings) -> dict[str, Any]:
    """All that is worth knowing, as plain values."""
    return {
        "file": None if settings.file is None else str(settings.file),
        "home": str(settings.home),
        "listens": f"{settings.server.host}:{settings.server.port}",
        "database": shown(parsed(settings.storage.url)) if settings.server.auth else None,
        "limits_counted_in": chosen(settings),
        "upstreams": [_upstream(each, "file") for each in settings.upstreams]
        + [_upstream(each.upstream, "environment") for each in settings.found],
        "models": [_model(each) for each in settings.routed],
        "filters": list(settings.filters.names),
        "filters_for_all": list(settings.filtering.default),
        "filter_secrets": {each.name: each.reference for each in settings.filters.hooks if each.reference is not None},
        "secrets": _secrets(settings),
    }


def _upstream(settings: UpstreamSettings, origin: str) -> dict[str, Any]:
    times = settings.timeouts
    return {
        "name": settings.name,
        "from": origin,
        "profile": settings.profile.name,
        "base_url": settings.base_url,
        "credentials": [each.reference for each in settings.credentials],
        "concurrency": settings.concurrency,
        "timeouts": {
            "connect": times.connect_s,
            "first": times.first_s,
            "idle": times.idle_s,
            "total": times.total_s,
        },
        "check": settings.check_s,
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "aliases": list(model.aliases),
        "route": [_route(each) for each in sorted(model.routes, key=lambda each: each.priority)],
        "cache": None if model.cache is None else {"ttl": model.cache.ttl, "on": model.cache.on},
        "coalesce": model.coalesce,
        "remember": model.remember,
    }


def _route(route: Route) -> dict[str, Any]:
    where = {"engine": route.engine} if route.upstream is None else {"upstream": route.upstream, "model": route.model}
    return {**where, "priority": route.priority, "weight": route.weight}


def _secrets(settings: Settings) -> list[str]:
    """Where secrets were found. One that is missing is an error before this is reached."""
    credentials = [each.reference for upstream in settings.upstreams for each in upstream.credentials]
    own = ["[server] master_key"] if settings.master_key is not None else []
    own += ["[pull] token"] if settings.hub.token is not None else []
    hooks = [hook.reference for hook in settings.filters.hooks if hook.reference is not None]
    return [*own, *dict.fromkeys([*credentials, *hooks]), *(f"env:{each.variable}" for each in settings.found)]


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"File       {found['file'] or 'none'}"
    yield f"Home       {found['home']}"
    yield f"Listens    {found['listens']}"
    yield f"Database   {found['database'] or 'none: no key is asked for'}"
    yield f"Limits     counted in: {found['limits_counted_in']}"
    for upstream in found["upstreams"]:
        yield from _upstream_lines(upstream)
    for model in found["models"]:
        yield from _model_lines(model)
    if found["filters"]:
        yield f"Filters    {', '.join(found['filters'])}; for all: {', '.join(found['filters_for_all']) or 'none'}"
        yield from (f"           {name}: {where} is set" for name, where in found["filter_secrets"].items())
    if not found["upstreams"] and not found["models"]:
        yield "Models     those that are pulled and built in; no service is named"
    yield f"Keys       {_KEYS[found['keys']]}"
    yield "The settings are right."


def _upstream_lines(upstream: dict[str, Any]) -> Iterator[str]:
    yield f"Upstream   {upstream['name']} (profile {upstream['profile']}): {upstream['base_url']}"
    keys = ", ".join(f"{reference} is set" for reference in upstream["credentials"]) or "no credential"
    slots = upstream["concurrency"]
    yield f"           {keys}; {'slots are learned' if slots == 'learn' else f'{slots} slots for each credential'}"
    if upstream["from"] == "environment":
        yield "           found in the environment: it answers GLM names; `serve --local` prevents it"


def _model_lines(model: dict[str, Any]) -> Iterator[str]:
    also = f", also {', '.join(model['aliases'])}" if model["aliases"] else ""
    yield f"Model      {model['name']} ({model['kind']}{also})"
    for route in model["route"]:
        where = route.get("engine") or f"{route['upstream']}/{route['model']}"
        yield f"           {route['priority']}. {where}{', local' if 'engine' in route else ''}"
