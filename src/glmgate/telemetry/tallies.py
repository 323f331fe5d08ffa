"""Counters and histograms for Prometheus that cost little to count with: plain numbers, shown when somebody looks.

The library's own take a lock for each step, and a step for each number. Here nobody counts or looks but the event loop;
what is shown is what the library would show, sample by sample.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import inf
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from typing_extensions import override

_T = TypeVar("_T", "Count", "Spread")


class Count:
    """A number that goes up."""

    __slots__ = ("created", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self.created: Final = time.time()

    def inc(self, amount: float = 1.0) -> None:
        """Count so much more."""
        self.value += amount


class Spread:
    """How often a number was how large: `counts` for each of `bounds`, and for what is above them."""

    __slots__ = ("bounds", "counts", "created", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds: Final = bounds
        self.counts: Final = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.created: Final = time.time()

    def observe(self, amount: float) -> None:
        """Count one more."""
        self.sum += amount
        self.counts[bisect_left(self.bounds, amount)] += 1


class _Labelled(Collector, Generic[_T]):
    """One number for each set of labels, from when it is first asked for."""

    def __init__(self, name: str, kind: str, meaning: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name = name
        self._kind = kind
        self._meaning = meaning
        self._names = tuple(labels)
        self._known: dict[tuple[str, ...], _T] = {}
        registry.register(self)

    def labels(self, *values: str) -> _T:
        """The number of these labels."""
        found = self._known.get(values)
        if found is None:
            found = self._known[tuple(map(str, values))] = self._new()
        return found

    @override
    def collect(self) -> Iterable[Metric]:
        metric = Metric(self._name, self._meaning, self._kind)
        with_created = _with_created()
        for values, number in self._known.items():
            labels = dict(zip(self._names, values, strict=True))
            for suffix, more, value in self._samples(number):
                metric.add_sample(self._name + suffix, labels | more, value)
            if with_created:
                metric.add_sample(f"{self._name}_created", labels, number.created)
        yield metric

    def describe(self) -> Iterable[Metric]:
        """Its name and kind, so that no other takes the name."""
        yield Metric(self._name, self._meaning, self._kind)

    @abstractmethod
    def _new(self) -> _T:
        """One that has counted nothing."""

    @abstractmethod
    def _samples(self, number: _T) -> Iterator[tuple[str, dict[str, str], float]]:
        """What is shown of one: ends of names, labels beside its own, and values."""


class Counts(_Labelled[Count]):
    """A counter with labels."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str], *, registry: CollectorRegistry) -> None:
        super().__init__(name, "counter", meaning, labels, registry)

    @override
    def _new(self) -> Count:
        return Count()

    @override
    def _samples(self, number: Count) -> Iterator[tuple[str, dict[str, str], float]]:
        yield "_total", {}, number.value


class Spreads(_Labelled[Spread]):
    """A histogram with labels. `buckets` are the upper bounds, the least first; what is above them has its own."""

    def __init__(
        self, name: str, meaning: str, labels: Sequence[str], *, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._buckets = tuple(map(float, buckets))
        self._bounds: list[str] = [floatToGoString(bound) for bound in (*self._buckets, inf)]  # type: ignore[no-untyped-call]
        super().__init__(name, "histogram", meaning, labels, registry)

    @override
    def _new(self) -> Spread:
        return Spread(self._buckets)

    @override
    def _samples(self, number: Spread) -> Iterator[tuple[str, dict[str, str], float]]:
        total = 0.0
        for bound, total in zip(self._bounds, accumulate(map(float, number.counts)), strict=True):
            yield "_bucket", {"le": bound}, total
        yield "_count", {}, total
        yield "_sum", {}, number.sum


def _with_created() -> bool:
    """Whether the library shows since when a number is counted; who runs the server can switch that off."""
    (metric,) = Counter("asked", "A counter that nobody sees.", registry=None).collect()
    return len(metric.samples) > 1
