"""Tests of the metrics of limits and budgets."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from glmgate.telemetry.limits import LimitMetrics, NullLimitsWatch
from glmgate.telemetry.metrics import Metrics


def test_everything_that_is_told_is_counted() -> None:
    """By words of ours."""
    registry = CollectorRegistry()
    watch = LimitMetrics(registry)
    for _ in range(2):
        watch.refused("requests", "key")
    watch.failed_open("tokens")
    watch.failed_closed("budgets")
    watch.overrun("project", "USD")
    said = generate_latest(registry).decode()
    for line in (
        'glmgate_limits_refused_total{kind="requests",level="key"} 2.0',
        'glmgate_limits_failed_open_total{kind="tokens"} 1.0',
        'glmgate_limits_failed_closed_total{kind="budgets"} 1.0',
        'glmgate_budget_overruns_total{level="project",unit="USD"} 1.0',
    ):
        assert line in said


def test_they_stand_among_all_metrics() -> None:
    """With the others."""
    metrics = Metrics()
    metrics.limits.failed_open("requests")
    assert b'glmgate_limits_failed_open_total{kind="requests"} 1.0' in metrics.render()


def test_nobody_has_to_be_told() -> None:
    """What stands for the watch does nothing."""
    nobody = NullLimitsWatch()
    nobody.refused("requests", "key")
    nobody.failed_open("requests")
    nobody.failed_closed("requests")
    nobody.overrun("key", "USD")
