"""How everything that answers stands, for `/readyz`, metrics and people.

Nothing is asked of an upstream for it.
"""

from __future__ import annotations

from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.routing.catalogue import Catalogue
from glmgate.surfaces.interfaces import Readiness
from glmgate.telemetry.engines import EngineNow
from glmgate.telemetry.upstreams import UpstreamNow, UpstreamsNow


def child_states(supervisor: Supervisor) -> dict[str, str]:
    """One word for each model's process."""
    return {status.name: status.phase.value for status in supervisor.status()}


def engines_now(supervisor: Supervisor) -> list[EngineNow]:
    """Each model that was asked for, as metrics and people want to know it."""
    return [
        EngineNow(
            status.name,
            status.phase.value,
            busy=status.busy,
            slots=status.slots,
            waiting=status.waiting,
            cells=status.cells,
        )
        for status in supervisor.status()
    ]


def readiness(catalogue: Catalogue, supervisor: Supervisor, missing: str | None, now: UpstreamsNow) -> Readiness:
    """Ready when a model can be asked: children start when they are needed, so a stopped one is no obstacle."""
    engines: dict[str, object] = {
        status.name: {"state": status.phase.value, "busy": status.busy, "waiting": status.waiting}
        for status in supervisor.status()
    }
    if missing is not None:
        engines["embedded"] = {"state": "missing", "reason": missing}
    for upstream in now.upstreams:
        engines[f"upstream:{upstream.name}"] = _upstream(upstream, now)
    return Readiness(ready=bool(catalogue.deployments) or catalogue.elsewhere is not None, engines=engines)


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
