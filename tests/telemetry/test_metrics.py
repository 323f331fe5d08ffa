"""Tests of the metrics: what Prometheus reads after requests have come and gone."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from glmgate.telemetry.ledger import LedgerNow
from glmgate.telemetry.metrics import Metrics
from glmgate.telemetry.upstreams import CredentialNow, UpstreamNow, UpstreamsNow
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Attempt
from tests.telemetry.records import flight, record

METERS = ("in_flight", "slots", "parked")


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
    metrics.began(flight())
    metrics.began(flight())
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
    first.began(flight())
    assert value(second, "glmgate_requests_in_flight") == 0


def test_attempts_are_counted_by_deployment_and_outcome() -> None:
    """Each call to an upstream counts, also those whose failure nobody saw."""
    metrics = Metrics()
    first = Attempt("zai/glm-4.6", 0, "failed_before", 0.1)
    metrics.ended(record(attempts=(first, first, Attempt("spare/glm-4.6", 0, "ok", 0.2))))
    assert value(metrics, "glmgate_attempts_total", deployment="zai/glm-4.6", outcome="failed_before") == 2
    assert value(metrics, "glmgate_attempts_total", deployment="spare/glm-4.6", outcome="ok") == 1


def test_the_caches_use_is_counted() -> None:
    """A request that did not ask the cache is not counted as a miss."""
    metrics = Metrics()
    for use in ("hit", "hit", "miss", None):
        metrics.ended(record(cache_use=use))
    found = {
        use: value(metrics, "glmgate_cache_requests_total", model="glmgate-tiny", use=use) for use in ("hit", "miss")
    }
    assert found == {"hit": 2, "miss": 1}
    assert value(metrics, "glmgate_cache_requests_total", model="glmgate-tiny", use="shared") is None


def test_upstreams_are_asked_when_somebody_looks() -> None:
    """Slots, who waits for them, parked credentials and breakers are as they are at the time of reading."""
    now = [UpstreamsNow()]
    metrics = Metrics(upstreams=lambda: now[0])
    assert value(metrics, "glmgate_upstream_waiting", upstream="zai") is None
    credentials = (CredentialNow(0, 2, 4, parked=False), CredentialNow(1, 0, 1, parked=True))
    now[0] = UpstreamsNow((UpstreamNow("zai", 3, credentials),), {"zai/glm-4.6": "open"})
    assert value(metrics, "glmgate_upstream_waiting", upstream="zai") == 3
    assert [value(metrics, f"glmgate_upstream_{name}", upstream="zai", credential="0") for name in METERS] == [2, 4, 0]
    assert [value(metrics, f"glmgate_upstream_{name}", upstream="zai", credential="1") for name in METERS] == [0, 1, 1]
    states = {
        state: value(metrics, "glmgate_breaker_state", deployment="zai/glm-4.6", state=state)
        for state in ("closed", "open", "half-open")
    }
    assert states == {"closed": 0, "open": 1, "half-open": 0}


def test_the_ledger_is_asked_when_somebody_looks() -> None:
    """Rows on their way, and what went wrong, are as they are at the time of reading."""
    now = [LedgerNow()]
    metrics = Metrics(ledger=lambda: now[0])
    assert value(metrics, "glmgate_ledger_waiting_rows", where="journal") == 0
    now[0] = LedgerNow(waiting=7, held=2, commits=3, failures=4, unknown=5, unbooked=6, refused=1)
    assert [value(metrics, "glmgate_ledger_waiting_rows", where=where) for where in ("journal", "memory")] == [7, 2]
    names = ("commits", "failures", "unknown_attempts", "unbooked_attempts", "lost_rows")
    assert [value(metrics, f"glmgate_ledger_{name}_total") for name in names] == [3, 4, 5, 6, 1]
