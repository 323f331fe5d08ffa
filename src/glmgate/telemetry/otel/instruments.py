"""The conventions' metrics for generative AI, for a collector: the same numbers that `/metrics` shows.

What a caller typed is no attribute, since each value is kept: `gen_ai.request.model` is that of an attempt only.
"""

from __future__ import annotations

from opentelemetry.metrics import Histogram, Meter

from glmgate.telemetry.gen_ai import DURATIONS, FIRST_TOKEN, OPERATIONS, PER_TOKEN, PROVIDER, TOKENS, error_type
from glmgate.telemetry.gen_ai_metrics import model_at
from glmgate.telemetry.otel.attributes import Attributes
from glmgate.telemetry.record import RequestRecord
from glmgate.wire.charge import Charge
from glmgate.wire.engine import Call, Place


class Instruments:
    """Records requests that have ended, and attempts."""

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
            return meter.create_histogram(
                f"gen_ai.{name}", unit="s", description=meaning, explicit_bucket_boundaries_advisory=buckets
            )

        self._request = seconds("server.request.duration", "Time from a request's decoding to its end.", DURATIONS)
        self._first = seconds("server.time_to_first_token", "Time to the first delta.", FIRST_TOKEN)
        self._token = seconds("server.time_per_output_token", "Mean time from one token to the next.", PER_TOKEN)
        self._attempt = seconds("client.operation.duration", "Time of an attempt.", DURATIONS)
        self._usage = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens that an attempt is billed for.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )

    def ended(self, record: RequestRecord) -> None:
        """A request has ended."""
        labels: Attributes = {
            "gen_ai.operation.name": OPERATIONS[record.endpoint],
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.response.model": record.deployment,
        }
        error = error_type(record)
        self._request.record(record.total_s, labels | ({"error.type": error} if error else {}))
        if error or record.first_s is None:
            return
        self._first.record(record.first_s, labels)
        if record.token_s is not None:
            self._token.record(record.token_s, labels)

    def attempted(self, call: Call, place: Place, seconds: float, error: str) -> None:
        """An attempt is over; `error` is empty where it went well."""
        self._attempt.record(seconds, _at(call, place) | ({"error.type": error} if error else {}))

    def charged(self, call: Call, place: Place, charge: Charge) -> None:
        """An attempt has cost `charge`."""
        for kind, tokens in (("input", charge.usage.prompt), ("output", charge.usage.completion)):
            if tokens:
                self._usage.record(tokens, _at(call, place) | {"gen_ai.token.type": kind})


def _at(call: Call, place: Place) -> Attributes:
    return {
        "gen_ai.operation.name": OPERATIONS[call.endpoint],
        "gen_ai.provider.name": place.upstream or PROVIDER,
        "gen_ai.request.model": model_at(place),
        "gen_ai.response.model": model_at(place),
    }
