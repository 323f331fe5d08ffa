"""Tests of several observers as one."""

from __future__ import annotations

from typing_extensions import override

from glmgate.telemetry.flight import Flight
from glmgate.telemetry.observers import Observers
from glmgate.telemetry.record import Observer, RequestRecord
from tests.telemetry.records import RECORD, flight


class Notebook(Observer):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[RequestRecord | Flight] = []

    @override
    def began(self, flight: Flight) -> None:
        self.told.append(flight)

    @override
    def ended(self, record: RequestRecord) -> None:
        self.told.append(record)


def test_every_observer_is_told() -> None:
    """Beginnings and endings reach each of them."""
    first, second = Notebook(), Notebook()
    both = Observers(first, second)
    begun = flight()
    both.began(begun)
    both.ended(RECORD)
    assert first.told == second.told == [begun, RECORD]
