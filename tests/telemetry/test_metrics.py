"""Tests of the metrics: what Prometheus reads after requests have come and gone."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from glmgate.telemetry.metrics import Metrics
from glmgate.wire.delta import Usage
from tests.telemetry.records import record


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus' own parser reads: values by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """One sample; None when there is none."""
    return samples(metrics).get((name, tuple(sorted(labels.items()))))


def test_requests_under_way_are_counted_up_and_down() -> None:
    """The gauge is what has begun and not ended."""
    metrics = Metrics()
    metrics.began()
    metrics.began()
    metrics.ended(record())
    assert value(metrics, "glmgate_requests_in_flight") == 1


def test_finished_requests_are_counted_by_their_ending() -> None:
    """Each request counts once, under surface, endpoint, the model that answered, and its ending."""
    metrics = Metrics()
    metrics.ended(record())
    metrics.ended(record(ending="length"))
    labels = {"surface": "openai", "endpoint": "chat", "model": "glmgate-tiny"}
    assert value(metrics, "glmgate_requests_total", ending="completed", **labels) == 1
    assert value(metrics, "glmgate_requests_total", ending="length", **labels) == 1


def test_tokens_are_summed_by_kind() -> None:
    """Prompt, cached, completion and reasoning tokens add up; kinds that never came have no sample."""
    metrics = Metrics()
    metrics.ended(record())
    metrics.ended(record(usage=Usage(prompt=1)))
    found = {
        kind: value(metrics, "glmgate_tokens_total", model="glmgate-tiny", kind=kind)
        for kind in ("prompt", "cached", "completion", "reasoning")
    }
    assert found == {"prompt": 11, "cached": 4, "completion": 5, "reasoning": 2}


def test_times_are_in_seconds() -> None:
    """The histograms sum what the records say."""
    metrics = Metrics()
    metrics.ended(record())
    assert value(metrics, "glmgate_first_token_seconds_sum", model="glmgate-tiny") == 0.0312
    assert value(metrics, "glmgate_request_seconds_sum", endpoint="chat", model="glmgate-tiny") == 1.5


def test_a_request_without_a_first_delta_is_not_in_its_histogram() -> None:
    """What did not happen is not a time of zero."""
    metrics = Metrics()
    metrics.ended(record(first_s=None))
    assert value(metrics, "glmgate_first_token_seconds_count", model="glmgate-tiny") is None


def test_what_callers_type_is_no_label() -> None:
    """Names that callers make up do not fill the memory: only who answered is a label."""
    metrics = Metrics()
    for number in range(50):
        metrics.ended(record(model=f"made-up-{number}", deployment=""))
    assert b"made-up" not in metrics.render()


def test_engines_are_asked_when_somebody_looks() -> None:
    """The state of each engine's process is the one at the time of reading."""
    states = {"glmgate-tiny": "loading"}
    metrics = Metrics(states=lambda: states)
    assert value(metrics, "glmgate_engine_state", model="glmgate-tiny", state="loading") == 1
    states["glmgate-tiny"] = "ready"
    assert value(metrics, "glmgate_engine_state", model="glmgate-tiny", state="ready") == 1
    assert value(metrics, "glmgate_engine_state", model="glmgate-tiny", state="loading") is None


def test_lost_lines_of_the_log_are_counted() -> None:
    """A log that fails open is seen here."""
    assert value(Metrics(lost_lines=lambda: 3), "glmgate_log_lines_lost_total") == 3


def test_registries_are_apart() -> None:
    """Two servers in one process do not count for each other."""
    first, second = Metrics(), Metrics()
    first.began()
    assert value(second, "glmgate_requests_in_flight") == 0
