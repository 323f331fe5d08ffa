"""What seeing costs: the processor time of a relayed request's log line, metrics and watches, each by itself.

Run as `python -m bench.sight`; `--otel` counts spans as well, which are dropped unsent.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import statistics
import time
from collections.abc import Awaitable, Callable

from glmgate.policy.filters.logged import masked
from glmgate.telemetry.attempts import WatchedBooks
from glmgate.telemetry.contents import ContentLog
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.flights import Flights
from glmgate.telemetry.log import RequestLog, configure
from glmgate.telemetry.metrics import Metrics
from glmgate.telemetry.record import Observer, RequestRecord
from glmgate.telemetry.settings import LogSettings, OtelSettings
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import NULL_BOOKS, Attempt, Call, Caller, Place

ROUNDS = 9
REQUESTS = 2000
PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")
REQUEST = ChatRequest(model="glm-4.6", messages=[Message(role="user", content="Hello")])
USAGE = Usage(100, 50, 20, 5)
CHARGE = Charge(usage=USAGE, units=ONE_CALL, amount=1_250_000, currency="USD", price="zai/glm-4.6@always")
RECORD = RequestRecord(
    request_id="20261128120000abcdef", key_id="0123456789abcdef", surface="openai", endpoint="chat", model="glm-4.6",
    deployment="glm-4.6", ending="completed", usage=USAGE, total_s=1.5, first_s=0.3, place="zai/glm-4.6",
    attempts=(Attempt("zai/glm-4.6", 0, "ok", 1.4, USAGE),), charges=(CHARGE,), uid="u-1", token_s=0.02, gap_s=0.1,
)  # fmt: skip

Work = Callable[[], Awaitable[None]]


def observed(*observers: Observer) -> Work:
    """A request's begin and end, told to these."""
    call = Call("r-1", Caller("k-1"), "openai", uid="u-1")

    async def work() -> None:
        flight = Flight(call, REQUEST, "chat", 0.0)
        for observer in observers:
            observer.began(flight)
        for observer in observers:
            observer.ended(RECORD)

    return work


def attempted(metrics: Metrics, flights: Flights) -> Work:
    """An attempt at an upstream, watched, and its charge."""
    call = Call("r-1", Caller("k-1"), "openai", uid="u-1")
    books = WatchedBooks(NULL_BOOKS, [flights, metrics.engines])
    deltas = (Delta(content="Hello", usage=USAGE, finish_reason="stop"),)

    async def work() -> None:
        entry = await books.reserve(call, PLACE, REQUEST)
        entry.saw(deltas)
        entry.ended()
        metrics.gen_ai.charged(call, PLACE, CHARGE)

    return work


async def cost_us(work: Work) -> float:
    """Microseconds of the processor for one request: the median of the rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(REQUESTS):
            await work()
        found.append((time.process_time() - began) / REQUESTS * 1e6)
    return statistics.median(found)


def traced() -> Work:
    """Spans of a request with an attempt, without a collector."""
    from opentelemetry.sdk.trace import SpanProcessor  # noqa: PLC0415 -- an extra

    from glmgate.telemetry.otel.exporting import Exporting  # noqa: PLC0415 -- as above

    spans = Exporting(OtelSettings(), SpanProcessor(), None).spans
    call = Call("r-1", Caller("k-1"), "openai", uid="u-1")

    async def work() -> None:
        spans.began(Flight(call, REQUEST, "chat", 0.0))
        entry = spans.attempt(call, PLACE, REQUEST)
        entry.saw((Delta(content="Hello", usage=USAGE, finish_reason="stop"),))
        entry.ended()
        spans.ended(RECORD)

    return work


async def measured(*, otel: bool) -> dict[str, float]:
    """The parts by name."""
    configure(LogSettings(format="json"), stream=io.StringIO())
    metrics, flights = Metrics(), Flights()
    parts: dict[str, Work] = {
        "log line": observed(RequestLog()),
        "metrics of a request": observed(metrics),
        "view of requests under way": observed(flights),
        "contents, off": observed(ContentLog(masked)),
        "metrics and view of an attempt": attempted(metrics, flights),
    }
    if otel:
        parts["spans (not in the sum)"] = traced()
    return {name: await cost_us(work) for name, work in parts.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sight", description=__doc__)
    parser.add_argument("--otel", action="store_true", help="spans as well")
    found = asyncio.run(measured(otel=parser.parse_args().otel))
    for name, cost in found.items():
        print(f"{name:32} {cost:6.1f} µs")
    total = sum(cost for name, cost in found.items() if "not in" not in name)
    print(f"{'together':32} {total:6.1f} µs   goal: within the 120 µs of all accounting")


if __name__ == "__main__":
    main()
