"""All requests under way, and what the last minute brought: what `glmgate top` shows.

Kept in memory only, and only numbers of what has ended.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from glmgate.telemetry.flight import Flight
from glmgate.telemetry.record import Observer, RequestRecord
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Place

MINUTE_S: Final = 60


@dataclass(slots=True)
class Sums:
    """What ended in some time. `errors` are those with a code of an error."""

    requests: int = 0
    errors: int = 0
    prompt: int = 0
    completion: int = 0

    def add(self, record: RequestRecord) -> None:
        """One more."""
        self.requests += 1
        self.errors += record.error_code is not None
        self.prompt += record.usage.prompt
        self.completion += record.usage.completion


class Flights(Observer):
    """Holds each request from its begin to its end. `clock` is the gateway's."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._by_uid: dict[str, Flight] = {}
        self._seconds: deque[tuple[int, Sums]] = deque()

    @override
    def began(self, flight: Flight) -> None:
        self._by_uid[flight.call.uid] = flight

    @override
    def ended(self, record: RequestRecord) -> None:
        self._by_uid.pop(record.uid, None)
        second = int(self.clock())
        if not self._seconds or self._seconds[-1][0] != second:
            self._forget(second)
            self._seconds.append((second, Sums()))
        self._seconds[-1][1].add(record)

    def attempt(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> None:  # noqa: ARG002 # theirs
        """An attempt is made: its request waits for words, and no longer for a slot. Who judges it has no words."""
        flight = self._by_uid.get(call.uid)
        if flight is not None and not call.judging:
            flight.place = place.deployment

    def under_way(self) -> tuple[Flight, ...]:
        """The oldest first."""
        return tuple(self._by_uid.values())

    def minute(self) -> Sums:
        """What ended in the last minute."""
        self._forget(int(self.clock()))
        total = Sums()
        for _, sums in self._seconds:
            total.requests += sums.requests
            total.errors += sums.errors
            total.prompt += sums.prompt
            total.completion += sums.completion
        return total

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - MINUTE_S:
            self._seconds.popleft()
