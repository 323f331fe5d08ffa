"""Tests of several observers as one."""

from __future__ import annotations

from typing_extensions import override

from glmgate.telemetry.observers import Observers
from glmgate.telemetry.record import Observer, RequestRecord
from tests.telemetry.records import RECORD


class Notebook(Observer):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[RequestRecord | None] = []

    @override
    def began(self) -> None:
        self.told.append(None)

    @override
    def ended(self, record: RequestRecord) -> None:
        self.told.append(record)


def test_every_observer_is_told() -> None:
    """Beginnings and endings reach each of them."""
    first, second = Notebook(), Notebook()
    both = Observers(first, second)
    both.began()
    both.ended(RECORD)
    assert first.told == second.told == [None, RECORD]
