"""Several observers as one.

What they do with what they are told is theirs.
"""

from __future__ import annotations

from typing_extensions import override

from glmgate.telemetry.flight import Flight
from glmgate.telemetry.record import Observer, RequestRecord


class Observers(Observer):
    """Tells each of `observers`, in their order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    @override
    def began(self, flight: Flight) -> None:
        for observer in self._observers:
            observer.began(flight)

    @override
    def ended(self, record: RequestRecord) -> None:
        for observer in self._observers:
            observer.ended(record)
