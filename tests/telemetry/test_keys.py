"""Tests of the metrics of how keys are looked up."""

from __future__ import annotations

from glmgate.telemetry.keys import NullKeysWatch
from glmgate.telemetry.metrics import Metrics


def shown(metrics: Metrics) -> list[str]:
    """The values."""
    return [line for line in metrics.render().decode().splitlines() if line.startswith("glmgate_keys_")]


def test_an_absence_is_shown_while_it_lasts() -> None:
    """With how many requests were let in meanwhile."""
    metrics = Metrics()
    metrics.keys.away(is_away=True)
    metrics.keys.remembered()
    assert "glmgate_keys_away 1.0" in shown(metrics)
    assert "glmgate_keys_remembered_total 1.0" in shown(metrics)
    metrics.keys.away(is_away=False)
    assert "glmgate_keys_away 0.0" in shown(metrics)


def test_nobody_has_to_be_told() -> None:
    """What stands for the watch does nothing."""
    nobody = NullKeysWatch()
    nobody.away(is_away=True)
    nobody.remembered()
