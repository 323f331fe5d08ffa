"""Sending spans and metrics to a collector (OTLP over HTTP), from threads of its own: a request never waits for it.

What does not fit into the queue, or is not taken in time, is dropped, and the library says so in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from glmgate import __version__
from glmgate.telemetry.otel.spans import Spans
from glmgate.telemetry.settings import OtelSettings

_SCOPE: Final = "glmgate"
_SEND_S: Final = 5.0
_LAST_S: Final = 3.0


class Exporting:
    """The providers behind `spans`: what they are made with is sent by `processor` and read by `reader`."""

    def __init__(self, settings: OtelSettings, processor: SpanProcessor, reader: MetricReader | None) -> None:
        resource = Resource.create({SERVICE_NAME: settings.service_name, SERVICE_VERSION: __version__})
        self._traces = TracerProvider(
            resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.sample)), shutdown_on_exit=False
        )
        self._traces.add_span_processor(processor)
        self._metrics = None
        if reader is not None:
            self._metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        meter = None if self._metrics is None else self._metrics.get_meter(_SCOPE, __version__)
        self.spans = Spans(self._traces.get_tracer(_SCOPE, __version__), meter)

    def close(self) -> None:
        """Send what is left. It takes as long as the collector does."""
        self._traces.shutdown()
        if self._metrics is not None:
            self._metrics.shutdown()


@asynccontextmanager
async def exporting(settings: OtelSettings, headers: Mapping[str, str]) -> AsyncIterator[Spans]:
    """Send to the settings' collector; what is left at the end gets a few seconds."""
    base = (settings.endpoint or "").rstrip("/")
    given = dict(headers)
    processor = BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", headers=given, timeout=_SEND_S))
    reader = None
    if settings.metrics:
        exporter = OTLPMetricExporter(f"{base}/v1/metrics", headers=given, timeout=_SEND_S)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=settings.interval_s * 1000)
    own = Exporting(settings, processor, reader)
    try:
        yield own.spans
    finally:
        await _within(own.close, _LAST_S)


async def _within(close: Callable[[], None], seconds: float) -> None:
    """Let it have so long. Its thread ends with the process, and is not waited for then, as asyncio's own would be."""
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        close()
        with contextlib.suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=work, name="glmgate-otel-close", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(closed.wait(), seconds)
