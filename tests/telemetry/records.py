"""A record of a request and a request under way, as the gateway makes them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from glmgate.telemetry.flight import Flight
from glmgate.telemetry.record import RequestRecord
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Caller

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


def flight(call: Call | None = None, **members: Any) -> Flight:
    """A chat under way that began at second 0; `members` are the request's."""
    request = ChatRequest(**{"model": "gpt-4o", "messages": [Message(role="user", content="hi")]} | members)
    return Flight(call or Call("req-1", Caller("a1"), "openai"), request, "chat", 0.0)
