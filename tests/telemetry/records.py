"""A record of a request, as the gateway makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from glmgate.telemetry.record import RequestRecord
from glmgate.wire.delta import Usage

RECORD = RequestRecord(
    request_id="req-1",
    key_id="a1",
    surface="openai",
    endpoint="chat",
    model="gpt-4o",
    deployment="glmgate-tiny",
    ending="completed",
    usage=Usage(prompt=10, completion=5, cached=4, reasoning=2),
    total_s=1.5,
    first_s=0.0312,
    notes=("temperature=1.7->1",),
)


def record(**changes: Any) -> RequestRecord:
    """The record, changed."""
    return replace(RECORD, **changes)
