"""What is going on now, as JSON: requests under way, slots, queues, engines, the last minute. `glmgate top` shows it.

No contents; the names of models are those that callers typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from glmgate.telemetry.engines import EngineNow
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.flights import Flights
from glmgate.telemetry.upstreams import UpstreamsNow

_LONGEST: Final = 200
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
