"""A collector of OpenTelemetry's on loopback: it takes what is posted to it over HTTP and reads the protobuf."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override


@dataclass(slots=True)
class Collector:
    """What came. `delay_s` is how long it thinks before it answers, `status` what it answers."""

    port: int = 0
    delay_s: float = 0.0
    status: int = 200
    traces: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[Any]:
        """Every span so far."""
        return [span for trace in self.traces for each in trace.resource_spans for scope in each.scope_spans
                for span in scope.spans]  # fmt: skip

    @property
    def names(self) -> set[str]:
        """The names of metrics so far."""
        return {metric.name for batch in self.metrics for each in batch.resource_metrics
                for scope in each.scope_metrics for metric in scope.metrics}  # fmt: skip

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Read one posting."""
        data = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        self.headers.append(headers)
        if path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(data))
        elif path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(data))


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that runs while the block does."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Take it."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            time.sleep(collector.delay_s)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def attributes_of(thing: Any) -> dict[str, Any]:
    """The attributes of a span or a resource, as they were before they were sent."""
    found: dict[str, Any] = {}
    for each in thing.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found
