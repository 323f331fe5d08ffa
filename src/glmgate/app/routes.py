"""From settings to the catalogue of who answers which name: the chain of each route, made anew at every reload.

What has to outlive a reload (slots, breakers, what is remembered, connections) is handed in and found again by name.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from glmgate.adaptation.profile import Profile
from glmgate.app.elsewhere import Environment
from glmgate.app.memory import Memory
from glmgate.engines.upstream.engine import UpstreamEngine
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream
from glmgate.errors import SettingsError
from glmgate.policy.admission import Target
from glmgate.policy.reasoning import family_of
from glmgate.routing.adapted import Adapted
from glmgate.routing.attempts import Attempts
from glmgate.routing.booked import Booked
from glmgate.routing.cached import Cached
from glmgate.routing.catalogue import Catalogue, Deployment, ModelKind, Rank
from glmgate.routing.continuity import Continuity
from glmgate.routing.failover import Candidate, Failover
from glmgate.routing.fanout import Fanout
from glmgate.routing.interfaces import Places
from glmgate.routing.learning import Learn
from glmgate.routing.remembered import Remembered
from glmgate.routing.retry import Retry, RetryLimits
from glmgate.settings import Settings
from glmgate.settings.declared import nearest
from glmgate.settings.models import Model, Route
from glmgate.settings.upstreams import UpstreamSettings
from glmgate.telemetry.upstreams import Breaker
from glmgate.transport.interfaces import Transport
from glmgate.wire.engine import Engine, Note, Place

OTHER = "other"
"""Stands for the names of models that are not known one by one, where names are counted."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Makes catalogues. `local` are the models whose weights are here."""

    local: Sequence[Deployment]
    memory: Memory
    transport: Transport
    continuity: Continuity = field(default_factory=Continuity)
    began: int = field(default_factory=lambda: int(time.time()))

    def catalogue(self, settings: Settings) -> Catalogue:
        """Who answers from now on. Raises SettingsError before anything has changed."""
        check(settings, {each.name: each.kind for each in self.local})
        services = (*settings.upstreams, *(found.upstream for found in settings.found))
        chains = _Chains(self, settings, {service.name: self._places(service, settings) for service in services})
        routed = [chains.deployment(model, "route") for model in settings.routed]
        elsewhere = Environment(settings.found, chains.deployment, created=self.began) if settings.found else None
        deployments = {route.deployment for model in settings.routed for route in _names(model)}
        if elsewhere is not None:
            deployments |= elsewhere.places()
        self.continuity.keep([service.name for service in services], deployments)
        return Catalogue(
            [*routed, *self.local],
            elsewhere=elsewhere,
            openai=settings.aliases.openai,
            strict_models=settings.aliases.strict_models,
        )

    def places(self, settings: Settings) -> dict[str, list[str]]:
        """What the deployments of each upstream are called."""
        found: dict[str, list[str]] = {}
        for model in settings.routed:
            for route, named in zip(model.routes, _names(model), strict=True):
                if route.upstream is not None and named.deployment not in found.setdefault(route.upstream, []):
                    found[route.upstream].append(named.deployment)
        return found

    def breakers(self) -> dict[str, Breaker]:
        """The state of each deployment's breaker."""
        return self.continuity.state().breakers

    def _places(self, service: UpstreamSettings, settings: Settings) -> Places:
        fingerprints = [credential.secret.fingerprint for credential in service.credentials] or [""]
        limit = Learn() if service.concurrency == "learn" else service.concurrency
        return self.continuity.pool(service.name, fingerprints, limit=limit, queue_limit=settings.routing.queue)


def check(settings: Settings, local: Mapping[str, ModelKind]) -> None:
    """SettingsError where a route names a local model that is not here, or one of another kind.

    `local` are the kinds of those that are, by name.
    """
    kinds = {name.casefold(): kind for name, kind in local.items()}
    for model in settings.routed:
        for route in model.routes:
            if route.engine is None:
                continue
            kind = kinds.get(route.engine.casefold())
            if kind is None:
                listed = nearest(route.engine, list(local)) if local else ". There are none."
                raise SettingsError(f"{model.where} engine is {route.engine!r}, which is no local model{listed}")
            if kind != model.kind:
                raise SettingsError(f"{model.where} engine is {route.engine!r}, a model of the kind {kind!r}.")


@dataclass(frozen=True, slots=True)
class _Named:
    """A route's place, and the model that speaks there."""

    deployment: str
    model: str
    note: Note | None


@dataclass(frozen=True, slots=True)
class _Chains:
    """Builds the engines of one catalogue."""

    owner: Routes
    settings: Settings
    places: Mapping[str, Places]

    def deployment(self, model: Model, rank: Rank, *, listed: bool = True) -> Deployment:
        """What answers for a model's name; a name that is not listed is counted as `other`."""
        routes = list(zip(model.routes, _names(model, listed=listed), strict=True))
        first = model.routes[0]
        return Deployment(
            name=model.name,
            engine=Failover([self._candidate(model, route, named) for route, named in routes]),
            kind=model.kind,
            owned_by=first.upstream or "glmgate",
            created=self.owner.began,
            context_length=self._context_length(first),
            aliases=model.aliases,
            rank=rank,
            label="" if listed else routes[0][1].deployment,
            targets=tuple(target for route, named in routes for target in self._targets(route, named)),
        )

    def _targets(self, route: Route, named: _Named) -> tuple[Target, ...]:
        """The place of a route, as it is reckoned with before it is asked."""
        if route.upstream is None:
            return self._local(route).targets
        profile = self._service(route.upstream).profile.for_family(route.model)
        longest = min(profile.context_length or profile.longest_answer, profile.longest_answer)
        return (Target(Place(named.deployment, route.upstream, route.model), longest),)

    def _candidate(self, model: Model, route: Route, named: _Named) -> Candidate:
        if route.upstream is None:
            engine: Engine = self._local(route).engine
            breaker = None
        else:
            engine = self._upstream(model, route, self._service(route.upstream), named.deployment)
            breaker = self.owner.continuity.breaker(named.deployment)
        return Candidate(
            named.deployment,
            named.model,
            engine,
            priority=route.priority,
            weight=route.weight,
            breaker=breaker,
            note=named.note,
        )

    def _upstream(self, model: Model, route: Route, service: UpstreamSettings, deployment: str) -> Engine:
        profile = service.profile.for_family(route.model)
        engine = Cached(
            self._asking(route, service, deployment, profile),
            cache=self.owner.memory.answers,
            deployment=deployment,
            # An answer of one service is not that of another, though both have the same name and profile.
            profile_version=f"{profile.version} {service.base_url}",
            coalesce=model.coalesce,
            cache_on=model.cache is not None and model.cache.on,
            ttl_s=3600.0 if model.cache is None else model.cache.ttl,
        )
        adapted: Engine = Adapted(engine, profile)
        if model.kind == "chat" and model.remember and profile.thinking.history != "none":
            adapted = Remembered(adapted, self.owner.memory.thoughts, family=family_of(route.model))
        return Fanout(adapted)

    def _asking(self, route: Route, service: UpstreamSettings, deployment: str, profile: Profile) -> Engine:
        upstream = Upstream(name=service.name, base_url=service.base_url, profile=profile, timeouts=service.timeouts)
        places = self.places[service.name]
        secrets: list[Secret | None] = [credential.secret for credential in service.credentials]
        engines = {
            place: Booked(
                UpstreamEngine(upstream, model=route.model, secret=secret, transport=self.owner.transport),
                Place(deployment, service.name, route.model, place),
            )
            for place, secret in zip(places.places, secrets or [None], strict=True)
        }
        attempts = Attempts(
            places.pool,
            engines,
            deployment=deployment,
            breaker=self.owner.continuity.breaker(deployment),
            wait_s=self.settings.routing.queue_s,
        )
        total_s = service.timeouts.total_s
        limits = RetryLimits() if total_s is None else RetryLimits(total_s=total_s)
        return Retry(attempts, budget=self.owner.continuity.budget(deployment), limits=limits)

    def _service(self, name: str) -> UpstreamSettings:
        services = (*self.settings.upstreams, *(found.upstream for found in self.settings.found))
        return next(service for service in services if service.name == name)

    def _local(self, route: Route) -> Deployment:
        wanted = (route.engine or "").casefold()
        return next(each for each in self.owner.local if each.name.casefold() == wanted)

    def _context_length(self, route: Route) -> int | None:
        if route.upstream is None:
            return self._local(route).context_length
        return self._service(route.upstream).profile.for_family(route.model).context_length


def _names(model: Model, *, listed: bool = True) -> list[_Named]:
    """What the places of a model's routes are called, and who speaks there.

    The first route's model is what the name means; another model that answers in its place is not what was asked for.
    """
    meant = _bare(model.routes[0].model)
    return [_named(model, route, meant, listed=listed) for route in model.routes]


def _named(model: Model, route: Route, meant: str, *, listed: bool) -> _Named:
    bare = _bare(route.model)
    speaks = model.name if bare == _bare(model.name) else route.model
    place = route.engine or f"{route.upstream}/{route.model if listed else OTHER}"
    note = None if bare == meant else Note("model", f"{_bare(model.name)}->{bare}", exact=False)
    return _Named(place, speaks, note)


def _bare(name: str) -> str:
    """A model's name without its publisher's, in lower case: services write the same name in several ways."""
    return name.rpartition("/")[2].casefold()
