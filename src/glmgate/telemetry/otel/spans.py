"""Spans: one of the server for each request, one of a client for each attempt, in the trace that the caller began.

An attempt's span goes out to the upstream as `traceparent`, so that its spans hang below.
"""

from __future__ import annotations

import time
from typing import Final

from opentelemetry.metrics import Meter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from glmgate.errors import GlmgateError
from glmgate.telemetry.attempts import Heard
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.gen_ai import PROVIDER
from glmgate.telemetry.otel import attributes
from glmgate.telemetry.otel.instruments import Instruments
from glmgate.telemetry.record import Observer, RequestRecord
from glmgate.wire.charge import Charge
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Place

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_FAILURES: Final = frozenset({"failed_before", "failed_after", "truncated", "timed_out", "rejected"})


class Spans(Observer):
    """Makes them. `meter`: metrics as well, None: none."""

    def __init__(self, tracer: Tracer, meter: Meter | None = None) -> None:
        self._tracer = tracer
        self._instruments = None if meter is None else Instruments(meter)
        self._open: dict[str, Span] = {}

    @override
    def began(self, flight: Flight) -> None:
        call = flight.call
        given = {"traceparent": call.traceparent or "", "tracestate": call.tracestate or ""}
        span = self._tracer.start_span(
            attributes.span_name(flight.endpoint, flight.request.model),
            context=_PROPAGATOR.extract({key: value for key, value in given.items() if value}),
            kind=SpanKind.SERVER,
            attributes=attributes.asked(flight.endpoint, flight.request, model=flight.request.model)
            | attributes.caller(call),
        )
        self._open[call.uid] = span
        _hand_on(span, call)

    @override
    def ended(self, record: RequestRecord) -> None:
        if self._instruments is not None:
            self._instruments.ended(record)
        span = self._open.pop(record.uid, None)
        if span is None:
            return
        span.set_attributes(attributes.ended(record))
        if record.ending in _FAILURES:
            span.set_status(Status(StatusCode.ERROR, record.error_code or record.ending))
        span.end()

    def attempt(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> _Attempt:
        """A span below the request's; what is sent now carries its id."""
        above = self._open.get(call.uid)
        asked = attributes.asked(call.endpoint, request, model=place.model, provider=place.upstream or PROVIDER)
        span = self._tracer.start_span(
            attributes.span_name(call.endpoint, place.model),
            context=None if above is None else set_span_in_context(above),
            kind=SpanKind.CLIENT,
            attributes=asked | attributes.at(place),
        )
        _hand_on(span, call)
        return _Attempt(span, self._instruments, call, place)

    def charged(self, call: Call, place: Place, charge: Charge) -> None:
        """An attempt has cost `charge`."""
        if self._instruments is not None:
            self._instruments.charged(call, place, charge)


class _Attempt(Heard):
    """The span of an attempt."""

    __slots__ = ("_began", "_call", "_first", "_instruments", "_place", "_span")

    def __init__(self, span: Span, instruments: Instruments | None, call: Call, place: Place) -> None:
        super().__init__()
        self._span = span
        self._instruments = instruments
        self._call = call
        self._place = place
        self._began = time.monotonic()
        self._first: float | None = None

    @override
    def said(self, pieces: int) -> None:
        if self._first is None:
            self._first = time.monotonic() - self._began

    @override
    def over(self, how: str, error: BaseException | None) -> None:
        kind = _kind(how, error)
        found: attributes.Attributes = {"gen_ai.response.model": attributes.name(self._place.model)}
        if self.reasons:
            found["gen_ai.response.finish_reasons"] = tuple(self.reasons)
        if self._first is not None:
            found["gen_ai.response.time_to_first_chunk"] = self._first
        if kind:
            found["error.type"] = kind
        self._span.set_attributes(found | attributes.used(self.usage))
        if how == "failed":
            self._span.set_status(Status(StatusCode.ERROR, kind))
        self._span.end()
        if self._instruments is not None:
            self._instruments.attempted(self._call, self._place, time.monotonic() - self._began, kind)


def _kind(how: str, error: BaseException | None) -> str:
    """`error.type`: a code of ours, or that the reader left; never a text that somebody else wrote."""
    if how == "ok":
        return ""
    if how == "left":
        return "cancelled"
    return error.code if isinstance(error, GlmgateError) else "internal_error"


def _hand_on(span: Span, call: Call) -> None:
    """What leaves from now on belongs to this span."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, set_span_in_context(span))
    call.traceparent = carrier.get("traceparent", call.traceparent)
    call.tracestate = carrier.get("tracestate")
