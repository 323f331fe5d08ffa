"""What OpenTelemetry's conventions for generative AI call things, and the buckets that they ask for.

Names and values only; who counts is in `gen_ai_metrics` (Prometheus) and `otel`. The conventions are those of
open-telemetry/semantic-conventions-genai, which are in development.
"""

from __future__ import annotations

from typing import Final

from glmgate.telemetry.record import RequestRecord
from glmgate.wire.engine import Endpoint

PROVIDER: Final = "glmgate"
"""`gen_ai.provider.name` of what this server answers; of an attempt it is the upstream's name."""

OPERATIONS: Final[dict[Endpoint, str]] = {
    "chat": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
    "rerank": "rerank",
    "tokenizer": "count_tokens",
}
"""`gen_ai.operation.name`; the last two are ours, since the conventions have no name for them."""

TOKENS: Final = tuple(4**power for power in range(14))
DURATIONS: Final = tuple(0.01 * 2**power for power in range(14))
FIRST_TOKEN: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PER_TOKEN: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)

_DONE: Final = frozenset({"completed", "length", "tool_calls", "filtered", "cache_hit", "coalesced"})


def error_type(record: RequestRecord) -> str:
    """`error.type`: the error's code, else the ending of a request that was not finished, else nothing."""
    return record.error_code or ("" if record.ending in _DONE else record.ending)
