"""What tests of the gateway are built from: an observer that remembers, a gateway on a scripted engine, requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from glmgate.gateway.gateway import Gateway
from glmgate.gateway.identify import Anyone
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.record import RequestRecord
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.engine import Call, Caller
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine


@dataclass(slots=True)
class FakeObserver:
    """Remembers what it was told; `in_flight` is the number of requests that began and have not ended."""

    records: list[RequestRecord] = field(default_factory=list)
    in_flight: int = 0
    flights: list[Flight] = field(default_factory=list)

    def began(self, flight: Flight) -> None:
        """One more."""
        self.flights.append(flight)
        self.in_flight += 1

    def ended(self, record: RequestRecord) -> None:
        """One less."""
        self.in_flight -= 1
        self.records.append(record)


@dataclass(frozen=True, slots=True)
class Watched:
    """A gateway, and what can be seen of it."""

    gateway: Gateway
    observer: FakeObserver
    clock: FakeClock

    @property
    def record(self) -> RequestRecord:
        """The record of the only request so far."""
        (record,) = self.observer.records
        return record


def around(engine: FakeEngine) -> Watched:
    """A gateway with one chat and one embedding deployment, both on `engine`."""
    observer, clock = FakeObserver(), FakeClock()
    catalogue = Catalogue(
        [Deployment(name="tiny", engine=engine, kind="chat"), Deployment(name="mini", engine=engine, kind="embedding")]
    )
    return Watched(Gateway(identify=Anyone(), catalogue=catalogue, observer=observer, clock=clock), observer, clock)


def chat(model: str = "tiny") -> ChatRequest:
    """A chat request."""
    return ChatRequest(model=model, messages=[Message(role="user", content="hi")])


def call() -> Call:
    """A call."""
    return Call(request_id="r-1", caller=Caller("k-1"), surface="openai")
