"""`[[models]]`: the names that callers use, and the places that answer them.

Whether a local model exists is seen where local models are (`glmgate.app`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from glmgate.errors import SettingsError
from glmgate.routing.names import known
from glmgate.settings.declared import nearest
from glmgate.settings.tables import table
from glmgate.settings.upstreams import UpstreamSettings

Kind = Literal["chat", "embedding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable:
    """A place that answers: a model of an upstream, or a local one."""

    upstream: Annotated[str | None, "The name of an upstream."] = None
    engine: Annotated[str | None, "The name of a local model, in place of an upstream."] = None
    model: Annotated[str | None, "What the upstream calls the model; unset: the same name."] = None
    priority: Annotated[int | None, "The lowest answers first; unset: the place in the list, from 1 on."] = None
    weight: Annotated[float, "The share of the requests, among routes of the same priority."] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTable:
    """Which answers are kept for requests that are exactly the same."""

    ttl: Annotated[float, "Seconds for which an answer is kept."] = 3600
    on: Annotated[bool, "Use it unless a request says `x-glmgate-cache: off`; else only where one says `on`."] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTable:
    """A table of `[[models]]`, as it stands in the file."""

    name: Annotated[str, "The name that callers use."]
    kind: Annotated[Kind | None, "What it does; unset: `embedding` for known names of such, else `chat`."] = None
    aliases: Annotated[tuple[str, ...], "Further names; the report says that this model answered."] = ()
    route: Annotated[
        tuple[RouteTable, ...], "The places that answer, the preferred one first; unset: the only upstream there is."
    ] = ()
    cache: Annotated[CacheTable | None, "Keep answers; unset: only where a request asks for it."] = None
    coalesce: Annotated[bool | None, "Let equal requests in flight share one call; unset: for embeddings only."] = None
    remember: Annotated[bool, "Give a model's reasoning back to it where an application has dropped it."] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A place that answers. Exactly one of `upstream` and `engine` is given."""

    upstream: str | None
    engine: str | None
    model: str
    priority: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name that callers use, and the places that answer it."""

    name: str
    kind: Kind = "chat"
    aliases: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    cache: CacheTable | None = None
    coalesce: bool = False
    remember: bool = True
    where: str = field(default="", compare=False)


def models(
    tables: Iterable[Mapping[str, object]], upstreams: Sequence[UpstreamSettings], *, file: Path
) -> tuple[Model, ...]:
    """The models of a settings file. Raises SettingsError."""
    found: list[Model] = []
    names: dict[str, str] = {}
    for place, given in enumerate(tables, start=1):
        name = given.get("name")
        where = f"{file}: [[models]] {name!r}:" if isinstance(name, str) else f"{file}: [[models]] {place}:"
        model = _model(table(ModelTable, given, where=where, base=file.parent), upstreams, where)
        for each in (model.name, *model.aliases):
            if (owner := names.setdefault(each.casefold(), model.name)) != model.name or each in _twice(model):
                raise SettingsError(f"{where} the name {each!r} is taken by the model {owner!r}: names are used once.")
        if any(other.name == model.name for other in found):
            raise SettingsError(f"{where} the name {model.name!r} is given twice: put both routes into one model.")
        found.append(model)
    return tuple(found)


def _twice(model: Model) -> set[str]:
    folded = [each.casefold() for each in (model.name, *model.aliases)]
    return {each for each in (model.name, *model.aliases) if folded.count(each.casefold()) > 1}


def _model(given: ModelTable, upstreams: Sequence[UpstreamSettings], where: str) -> Model:
    _check(given, where)
    routes = given.route or (_only(upstreams, where),)
    kind = given.kind or _usual_kind(given.name)
    return Model(
        name=given.name,
        kind=kind,
        aliases=given.aliases,
        routes=tuple(
            _route(route, place, given.name, upstreams, f"{where} route {place}:")
            for place, route in enumerate(routes, start=1)
        ),
        cache=given.cache,
        coalesce=kind == "embedding" if given.coalesce is None else given.coalesce,
        remember=given.remember,
        where=where,
    )


def _check(given: ModelTable, where: str) -> None:
    for name in (given.name, *given.aliases):
        if not name.strip() or len(name) > 256 or not name.isprintable():
            raise SettingsError(f"{where} {name!r} is no name: 1 to 256 characters that can be printed.")
    if given.cache is not None and given.cache.ttl <= 0:
        raise SettingsError(f"{where} cache ttl is {given.cache.ttl!r}, it must be more than 0 seconds.")


def _only(upstreams: Sequence[UpstreamSettings], where: str) -> RouteTable:
    if len(upstreams) != 1:
        raise SettingsError(f"{where} has no route, and there is not exactly one upstream: say which one answers.")
    return RouteTable(upstream=upstreams[0].name)


def _usual_kind(name: str) -> Kind:
    entry = known(name, openai=True)
    return "embedding" if entry is not None and entry.kind == "embedding" else "chat"


def _route(given: RouteTable, place: int, name: str, upstreams: Sequence[UpstreamSettings], where: str) -> Route:
    if (given.upstream is None) == (given.engine is None):
        raise SettingsError(f"{where} names an upstream or an engine, one of the two.")
    if given.weight <= 0:
        raise SettingsError(f"{where} weight is {given.weight!r}, it must be more than 0.")
    if given.engine is not None and given.model is not None:
        raise SettingsError(f"{where} model is for upstreams; `engine` names the local model.")
    return Route(
        upstream=None if given.upstream is None else _there(given.upstream, upstreams, where),
        engine=given.engine,
        model=given.engine or given.model or name,
        priority=place if given.priority is None else given.priority,
        weight=given.weight,
    )


def _there(name: str, upstreams: Sequence[UpstreamSettings], where: str) -> str:
    """The upstream's name as it is written where it stands."""
    there = {each.name.casefold(): each.name for each in upstreams}
    if (found := there.get(name.casefold())) is not None:
        return found
    listed = nearest(name, sorted(there.values())) if there else ". There are no [[upstreams]]."
    raise SettingsError(f"{where} upstream is {name!r}, which is no upstream{listed}")
