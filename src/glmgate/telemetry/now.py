"""What is going on now, as JSON: requests under way, slots, queues, engines, the last minute. `glmgate top` shows it.

No contents; the names of models are those that callers typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from glmgate.telemetry.engines import EngineNow
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.flights import Flights
from glmgate.telemetry.upstreams import Breaker, UpstreamsNow

_LONGEST: Final = 200
_BREAKERS: Final[tuple[Breaker, ...]] = ("closed", "half-open", "open")
MOST_REQUESTS: Final = 1000
"""The oldest are shown; `in_flight` counts all."""


def now(flights: Flights, engines: Sequence[EngineNow], upstreams: UpstreamsNow) -> Mapping[str, Any]:
    """All of it at this moment."""
    moment = flights.clock()
    under_way = flights.under_way()
    minute = flights.minute()
    return {
        "in_flight": len(under_way),
        "tokens_per_s": round(sum(flight.tokens_per_s(moment) for flight in under_way), 1),
        "requests": [_request(flight, moment) for flight in under_way[:MOST_REQUESTS]],
        "upstreams": [
            {
                "name": upstream.name,
                "waiting": upstream.waiting,
                "credentials": [
                    {"place": each.place, "in_flight": each.in_flight, "slots": each.limit, "parked": each.parked}
                    for each in upstream.credentials
                ],
            }
            for upstream in upstreams.upstreams
        ],
        "breakers": dict(upstreams.breakers),
        "engines": [
            {
                "name": engine.name,
                "state": engine.state,
                "busy": engine.busy,
                "slots": engine.slots,
                "waiting": engine.waiting,
            }
            for engine in engines
        ],
        "minute": {
            "requests": minute.requests,
            "errors": minute.errors,
            "prompt_tokens": minute.prompt,
            "completion_tokens": minute.completion,
        },
    }


def together(parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is going on in several processes of one server; the first keeps engines and slots for all of them."""
    requests = sorted((each for part in parts for each in part["requests"]), key=lambda each: -each["age_s"])
    return {
        **parts[0],
        "in_flight": sum(part["in_flight"] for part in parts),
        "tokens_per_s": round(sum(part["tokens_per_s"] for part in parts), 1),
        "requests": requests[:MOST_REQUESTS],
        "breakers": _worst([part["breakers"] for part in parts]),
        "minute": {name: sum(part["minute"][name] for part in parts) for name in parts[0]["minute"]},
    }


def _worst(breakers: Sequence[Mapping[str, Breaker]]) -> dict[str, Breaker]:
    """Of each deployment the state that lets the fewest requests through."""
    found: dict[str, Breaker] = {}
    for part in breakers:
        for deployment, state in part.items():
            found[deployment] = max(found.get(deployment, "closed"), state, key=_BREAKERS.index)
    return found


def _request(flight: Flight, moment: float) -> dict[str, Any]:
    call = flight.call
    return {
        "request_id": call.request_id,
        "key_id": call.caller.key_id,
        "project": call.caller.project,
        "surface": call.surface,
        "endpoint": flight.endpoint,
        "model": flight.request.model[:_LONGEST].encode("utf-8", "replace").decode(),
        "deployment": flight.place or flight.deployment,
        "state": flight.state,
        "age_s": round(moment - flight.began, 3),
        "first_s": None if flight.first is None else round(flight.first - flight.began, 3),
        "tokens": flight.tokens,
        "tokens_per_s": round(flight.tokens_per_s(moment), 1),
    }
