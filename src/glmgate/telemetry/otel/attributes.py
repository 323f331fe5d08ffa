"""Attributes of requests and attempts in the conventions' words (open-telemetry/semantic-conventions-genai).

No contents: numbers, words of ours, and names of models.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from opentelemetry.util.types import AttributeValue

from glmgate.telemetry.flight import Asked
from glmgate.telemetry.gen_ai import OPERATIONS, PROVIDER, error_type
from glmgate.telemetry.record import RequestRecord
from glmgate.wire.charge import texts_of
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Endpoint, Place

Attributes = dict[str, AttributeValue]

_LONGEST: Final = 200
_NUMBERS: Final = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "n": "gen_ai.request.choice.count",
    "stream": "gen_ai.request.stream",
    "dimensions": "gen_ai.embeddings.dimension.count",
}


def operation(endpoint: Endpoint) -> str:
    """`gen_ai.operation.name`."""
    return OPERATIONS[endpoint]


def span_name(endpoint: Endpoint, model: str) -> str:
    """The conventions' name of a span."""
    return f"{operation(endpoint)} {name(model)}"


def name(text: str) -> str:
    """A name that a caller may have typed: cut, and of whole characters, as the protocol wants them."""
    return text[:_LONGEST].encode("utf-8", "replace").decode()


def asked(endpoint: Endpoint, request: Asked, *, model: str, provider: str = PROVIDER) -> Attributes:
    """What is known of a request before it is answered."""
    found: Attributes = {
        "gen_ai.operation.name": operation(endpoint),
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": name(model),
    }
    for member, attribute in _NUMBERS.items():
        value = getattr(request, member, None)
        if isinstance(value, int | float) and -(2**63) <= value < 2**63:
            found[attribute] = value
    return found


def caller(call: Call) -> Attributes:
    """Whose request it is, and under which ids it stands in the log."""
    return {
        "glmgate.request_id": call.request_id,
        "glmgate.uid": call.uid,
        "glmgate.key_id": call.caller.key_id,
        "glmgate.project": call.caller.project,
        "glmgate.surface": call.surface,
    }


def at(place: Place) -> Attributes:
    """Where an attempt goes."""
    return {"glmgate.deployment": name(place.deployment), "glmgate.credential": place.credential}


def used(usage: Usage | None) -> Attributes:
    """Tokens, those that are not none."""
    return dict(_used(usage)) if usage is not None else {}


def _used(usage: Usage) -> Iterator[tuple[str, int]]:
    if usage.total:
        yield "gen_ai.usage.input_tokens", usage.prompt
        yield "gen_ai.usage.output_tokens", usage.completion
    if usage.cached:
        yield "gen_ai.usage.cache_read.input_tokens", usage.cached
    if usage.reasoning:
        yield "gen_ai.usage.reasoning.output_tokens", usage.reasoning


def ended(record: RequestRecord) -> Attributes:
    """What came of a request."""
    found: Attributes = {"glmgate.ending": record.ending, **used(record.usage)}
    optional: Attributes = {
        "gen_ai.response.model": name(record.deployment),
        "gen_ai.response.finish_reasons": record.reasons,
        "error.type": error_type(record),
        "glmgate.cache": record.cache_use or "",
        "glmgate.adaptations": record.notes,
        "glmgate.deployment": name(record.place or ""),
    }
    if record.first_s is not None:
        found["gen_ai.response.time_to_first_chunk"] = record.first_s
    for currency, amount in texts_of(record.charges).items():
        found[f"glmgate.charge.{currency.lower()}"] = float(amount)
    return found | {key: value for key, value in optional.items() if value}
