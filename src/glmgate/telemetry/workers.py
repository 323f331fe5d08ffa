"""Metrics of a server's workers, for the process that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override


class WorkerMetrics(Collector):
    """`ready` and `replaced` are asked when somebody looks."""

    def __init__(self, ready: Callable[[], int], replaced: Callable[[], int]) -> None:
        self._ready = ready
        self._replaced = replaced

    @override
    def collect(self) -> Iterable[Metric]:
        ready = GaugeMetricFamily("glmgate_workers", "Workers that answer requests, where there are several.")
        ready.add_metric([], self._ready())
        yield ready
        replaced = CounterMetricFamily("glmgate_workers_replaced", "Workers that ended and were replaced.")
        replaced.add_metric([], self._replaced())
        yield replaced
