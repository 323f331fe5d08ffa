"""Who watches requests and attempts: metrics, the view of what is under way, the log of contents, OpenTelemetry.

What each of them makes of what it is told is in `telemetry`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from glmgate.errors import SettingsError
from glmgate.policy.filters.logged import masked
from glmgate.routing.books import KeptBooks
from glmgate.settings import Settings
from glmgate.telemetry.attempts import AttemptObserver, WatchedBooks
from glmgate.telemetry.contents import ContentLog
from glmgate.telemetry.engines import LookAtEngines
from glmgate.telemetry.flights import Flights
from glmgate.telemetry.metrics import Metrics
from glmgate.telemetry.now import now
from glmgate.telemetry.record import Observer
from glmgate.telemetry.upstreams import Look
from glmgate.wire.charge import Charge
from glmgate.wire.engine import Books, Call, Place


@dataclass(frozen=True, slots=True)
class Sight:
    """`observers` for the gateway, `books` as they are watched, `now` for who looks."""

    observers: tuple[Observer, ...]
    books: Books
    now: Callable[[], Mapping[str, Any]]


@asynccontextmanager
async def seeing(
    settings: Settings, *, metrics: Metrics, books: KeptBooks, engines: LookAtEngines, upstreams: Look
) -> AsyncIterator[Sight]:
    """Set everybody to watch. Raises SettingsError where OpenTelemetry is wanted and not installed."""
    async with AsyncExitStack() as stack:
        flights = Flights()
        observers: list[Observer] = [flights, ContentLog(masked)]
        attempts: list[AttemptObserver] = [flights, metrics.engines]
        told: list[Callable[[Call, Place, Charge], None]] = [metrics.gen_ai.charged]
        if settings.otel.endpoint is not None:
            try:
                from glmgate.telemetry.otel.exporting import exporting  # noqa: PLC0415 -- costs nothing where it is off
            except ImportError as exc:
                raise SettingsError(
                    f"[otel] endpoint is {settings.otel.endpoint!r}, but OpenTelemetry is not installed. "
                    "Install it: pip install 'glmgate[otel]'"
                ) from exc
            spans = await stack.enter_async_context(exporting(settings.otel, settings.otel_headers))
            observers.insert(0, spans)  # the first one: what the others write belongs to its trace
            attempts.append(spans)  # the last one: what is sent next carries its id
            told.append(spans.charged)

        def charging(call: Call, place: Place, charge: Charge) -> None:
            for tell in told:
                tell(call, place, charge)

        books.charging = charging
        yield Sight(
            tuple(observers),
            WatchedBooks(books, attempts),
            lambda: now(flights, engines(), upstreams()),
        )
