"""The conventions' metrics for generative AI, and what attempts cost, for Prometheus.

Names are the conventions' with underscores for dots. What a caller typed is no label, so `gen_ai.request.model` is not.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry

from glmgate.telemetry.gen_ai import (
    DURATIONS,
    FIRST_TOKEN,
    OPERATIONS,
    PER_TOKEN,
    PROVIDER,
    TOKENS,
    error_type,
)
from glmgate.telemetry.record import RequestRecord
from glmgate.telemetry.tallies import Counts, Spreads
from glmgate.wire.charge import NANO, Charge
from glmgate.wire.engine import Call, Place

_COMMON: Final = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_response_model")


class GenAiMetrics:
    """Counts requests that have ended (`server`), and attempts when they are settled (`client`, charges)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._request = cache(
            Spreads(
                "gen_ai_server_request_duration_seconds",
                "Time from a request's decoding to its end.",
                [*_COMMON, "error_type"],
                buckets=DURATIONS,
                registry=registry,
            ).labels
        )
        self._first = cache(
            Spreads(
                "gen_ai_server_time_to_first_token_seconds",
                "Time to the first delta, of requests that went well.",
                _COMMON,
                buckets=FIRST_TOKEN,
                registry=registry,
            ).labels
        )
        self._token = cache(
            Spreads(
                "gen_ai_server_time_per_output_token_seconds",
                "Mean time from one token to the next, of requests that went well and came in pieces.",
                _COMMON,
                buckets=PER_TOKEN,
                registry=registry,
            ).labels
        )
        self._tokens = cache(
            Spreads(
                "gen_ai_client_token_usage",
                "Tokens that an attempt is billed for; some may be estimated.",
                [*_COMMON, "gen_ai_token_type"],
                buckets=TOKENS,
                registry=registry,
            ).labels
        )
        self._charges = cache(
            Counts(
                "glmgate_charges",
                "What attempts cost, in units of the currency; `estimated` where the service did not tell all of it.",
                ["deployment", "currency", "estimated"],
                registry=registry,
            ).labels
        )
        self._unpriced = cache(
            Counts(
                "glmgate_unpriced_attempts",
                "Attempts at upstreams that no price is known for.",
                ["deployment"],
                registry=registry,
            ).labels
        )

    def ended(self, record: RequestRecord) -> None:
        """A request has ended."""
        operation, model, error = OPERATIONS[record.endpoint], record.deployment, error_type(record)
        self._request(operation, PROVIDER, model, error).observe(record.total_s)
        if error or record.first_s is None:
            return
        self._first(operation, PROVIDER, model).observe(record.first_s)
        if record.token_s is not None:
            self._token(operation, PROVIDER, model).observe(record.token_s)

    def charged(self, call: Call, place: Place, charge: Charge) -> None:
        """An attempt at `place` has cost `charge`."""
        labels = (OPERATIONS[call.endpoint], place.upstream or PROVIDER, model_at(place))
        usage = charge.usage
        for kind, tokens in (("input", usage.prompt), ("output", usage.completion)):
            if tokens:
                self._tokens(*labels, kind).observe(tokens)
        if charge.amount is not None:
            estimated = "true" if charge.estimated else "false"
            self._charges(place.deployment, charge.currency or "", estimated).inc(charge.amount / NANO)
        elif place.upstream and (usage.total or charge.units.calls):
            self._unpriced(place.deployment).inc()


def model_at(place: Place) -> str:
    """The model as it is counted: names that are not known one by one have one name together."""
    return place.deployment.removeprefix(f"{place.upstream}/") if place.upstream else place.deployment
