"""Metrics of several processes as those of one server."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from glmgate.telemetry.families import Family, Totals
from glmgate.telemetry.metrics import Metrics
from glmgate.telemetry.workers import WorkerMetrics
from tests.telemetry.records import flight, record


def samples(text: bytes) -> dict[str, float]:
    """The values by name, where there is one of a name."""
    found = text_string_to_metric_families(text.decode())
    return {sample.name: sample.value for family in found for sample in family.samples}


def counted(value: float) -> list[Family]:
    """A counter and a gauge of a process."""
    return [
        ("requests", "counter", "Requests.", [("requests_total", {"model": "m"}, value)]),
        ("in_flight", "gauge", "Now.", [("in_flight", {}, value)]),
        ("process_start_time_seconds", "gauge", "Start.", [("process_start_time_seconds", {}, value)]),
    ]


def test_what_processes_count_is_added_up() -> None:
    """Counters, histograms and gauges; of starts the first is told."""
    one, two, parent = Metrics(), Metrics(), Metrics(states=lambda: {"m": "ready"})
    for _ in range(3):
        one.began(flight())
        one.ended(record(total_s=0.3))
    two.began(flight())
    two.ended(record(total_s=0.3))
    two.began(flight())
    totals = Totals()
    totals.update(1, one.families())
    totals.update(2, two.families())
    shown = samples(totals.render(parent.families()))
    assert shown["glmgate_requests_total"] == 4
    assert shown["glmgate_requests_in_flight"] == 1
    assert shown["glmgate_request_seconds_count"] == 4
    assert round(shown["glmgate_request_seconds_sum"], 6) == 1.2
    assert shown["glmgate_engine_state"] == 1
    starts = [value for families in (one, two, parent) for value in _values(families.families(), "process_start")]
    assert shown["process_start_time_seconds"] == min(starts)


def _values(families: list[Family], name: str) -> list[float]:
    return [value for family in families if family[0].startswith(name) for _, __, value in family[3]]


def test_one_process_shows_the_same_alone_and_summed() -> None:
    """Whoever reads `/metrics` sees no difference between one process and several."""
    metrics = Metrics(states=lambda: {"m": "ready"})
    metrics.began(flight())
    metrics.ended(record(total_s=0.3))
    stable = [
        line for line in Totals().render(metrics.families()).decode().splitlines() if not line.startswith("process_")
    ]
    assert stable == [line for line in metrics.render().decode().splitlines() if not line.startswith("process_")]


def test_what_a_process_has_counted_stays_when_it_is_gone() -> None:
    """What it held does not; and a late word of it changes nothing."""
    totals = Totals()
    totals.update(1, counted(5))
    totals.update(2, counted(3))
    totals.ended(1)
    totals.update(1, counted(99))
    shown = samples(totals.render([]))
    assert (shown["requests_total"], shown["in_flight"], shown["process_start_time_seconds"]) == (8, 3, 3)


def test_labels_keep_their_samples_apart() -> None:
    """In whatever order a process names them."""
    one: list[Family] = [("r", "counter", "R.", [("r_total", {"a": "1", "b": "2"}, 1), ("r_total", {"a": "2"}, 5)])]
    two: list[Family] = [("r", "counter", "R.", [("r_total", {"b": "2", "a": "1"}, 1)])]
    totals = Totals()
    totals.update(1, one)
    totals.update(2, two)
    text = totals.render([]).decode()
    assert 'r_total{a="1",b="2"} 2.0' in text
    assert 'r_total{a="2"} 5.0' in text


@given(st.lists(st.tuples(st.sampled_from(["count", "look", "die"]), st.integers(0, 2)), max_size=40))
def test_a_counter_never_goes_down(steps: list[tuple[str, int]]) -> None:
    """Whatever is counted, shown and killed, and in whatever order."""
    totals, last = Totals(), 0.0
    numbers = {place: place for place in range(3)}
    values = dict.fromkeys(range(3), 0)
    for what, place in steps:
        if what == "count":
            values[place] += 1
        elif what == "look":
            _look(totals, numbers, values)
            now = samples(totals.render([])).get("requests_total", 0.0)
            assert now >= last
            last = now
        else:
            totals.ended(numbers[place])
            numbers[place], values[place] = max(numbers.values()) + 1, 0
            assert samples(totals.render([])).get("requests_total", 0.0) >= last


def _look(totals: Totals, numbers: Mapping[int, int], values: Mapping[int, int]) -> None:
    for place, number in numbers.items():
        totals.update(number, counted(values[place]))


def test_the_workers_are_counted() -> None:
    """Those that answer, and those that were replaced."""
    metrics = Metrics()
    metrics.register(WorkerMetrics(lambda: 3, lambda: 2))
    shown = samples(metrics.render())
    assert (shown["glmgate_workers"], shown["glmgate_workers_replaced_total"]) == (3, 2)
