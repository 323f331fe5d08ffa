"""How everything that answers stands, for `/readyz`, metrics and people.

Nothing is asked of an upstream for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from glmgate.app.standing import Standing
from glmgate.routing.catalogue import Catalogue
from glmgate.routing.interfaces import PoolState
from glmgate.surfaces.interfaces import Readiness
from glmgate.telemetry.upstreams import Breaker, CredentialNow, UpstreamNow, UpstreamsNow


def upstreams_now(standing: Standing, breakers: Mapping[str, Breaker]) -> UpstreamsNow:
    """What the upstreams are like."""
    return UpstreamsNow(tuple(_now(pool) for pool in standing.pools), breakers)


def readiness(
    catalogue: Catalogue, standing: Standing, missing: str | None, breakers: Mapping[str, Breaker]
) -> Readiness:
    """Ready when a model can be asked: children start when they are needed, so a stopped one is no obstacle."""
    engines: dict[str, object] = {
        status.name: {"state": status.phase.value, "busy": status.busy, "waiting": status.waiting}
        for status in standing.models
    }
    if missing is not None:
        engines["embedded"] = {"state": "missing", "reason": missing}
    now = upstreams_now(standing, breakers)
    for upstream in now.upstreams:
        engines[f"upstream:{upstream.name}"] = _upstream(upstream, now)
    return Readiness(ready=bool(catalogue.deployments) or catalogue.elsewhere is not None, engines=engines)


def _now(pool: PoolState) -> UpstreamNow:
    credentials = (
        CredentialNow(each.place, each.in_flight, each.limit, parked=each.parked_until is not None)
        for each in pool.credentials
    )
    return UpstreamNow(pool.name, pool.waiting, tuple(credentials))


def _upstream(upstream: UpstreamNow, now: UpstreamsNow) -> dict[str, object]:
    return {
        "state": _state(upstream, now),
        "busy": sum(credential.in_flight for credential in upstream.credentials),
        "waiting": upstream.waiting,
        "credentials": len(upstream.credentials),
        "parked": sum(credential.parked for credential in upstream.credentials),
    }


def _state(upstream: UpstreamNow, now: UpstreamsNow) -> str:
    if upstream.credentials and all(credential.parked for credential in upstream.credentials):
        return "parked"
    breakers = [state for name, state in now.breakers.items() if name.startswith(f"{upstream.name}/")]
    return "failing" if breakers and all(breaker == "open" for breaker in breakers) else "ready"
