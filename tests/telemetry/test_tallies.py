"""Tests of our counters and histograms: they show what the library's would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    enable_created_metrics,
    generate_latest,
)

from glmgate.policy.endings import Ending
from glmgate.telemetry.families import Family, families
from glmgate.telemetry.tallies import Counts, Spreads

BUCKETS = (0.01, 0.5, 1, 64)
LABELS = st.tuples(st.sampled_from(["chat", 'a "b"\n\\']), st.sampled_from(["", "glm-4.6"]))
AMOUNTS = st.sampled_from([*BUCKETS, 0.0, 0.3, 1e-9, 65.0, inf]) | st.floats(0, 1e6)
STEPS = st.lists(st.tuples(LABELS, AMOUNTS))


@pytest.fixture
def without_created() -> Iterator[None]:
    """The library's switch is the process's."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    yield
    enable_created_metrics()  # type: ignore[no-untyped-call]


def shown(registry: CollectorRegistry) -> tuple[str, list[Family]]:
    """What Prometheus reads and what workers tell, but for the moments at which numbers began."""
    text = re.sub(r"(?m)^(\w+_created.*) \S+$", r"\1", generate_latest(registry).decode())
    told: list[Family] = [
        (name, kind, meaning, [series if not series[0].endswith("_created") else (*series[:2], 0.0) for series in each])
        for name, kind, meaning, each in families(registry)
    ]
    return text, told


@given(STEPS)
def test_counters_show_what_the_librarys_would(steps: list[tuple[tuple[str, str], float]]) -> None:
    """Whatever is counted under whatever labels: the same text, and the same values for a parent process."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("asked", "Questions.", ["endpoint", "model"], registry=ours)
    counter = Counter("asked", "Questions.", ["endpoint", "model"], registry=theirs)
    assert shown(ours) == shown(theirs)
    for labels, amount in steps:
        counts.labels(*labels).inc(amount)
        counter.labels(*labels).inc(amount)
    assert shown(ours) == shown(theirs)


@given(STEPS)
def test_histograms_show_what_the_librarys_would(steps: list[tuple[tuple[str, str], float]]) -> None:
    """A number at the bound of a bucket is in it, one above all bounds is in the last, and all are in the sum."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spreads = Spreads("took", "Seconds.", ["endpoint", "model"], buckets=BUCKETS, registry=ours)
    histogram = Histogram("took", "Seconds.", ["endpoint", "model"], buckets=BUCKETS, registry=theirs)
    for labels, amount in steps:
        spreads.labels(*labels).observe(amount)
        histogram.labels(*labels).observe(amount)
    assert shown(ours) == shown(theirs)


def test_a_counter_counts_ones() -> None:
    """Where nothing else is said."""
    counts = Counts("asked", "Questions.", ["model"], registry=CollectorRegistry())
    counts.labels("glm").inc()
    counts.labels("glm").inc()
    assert counts.labels("glm").value == 2


def test_words_of_ours_are_plain_labels() -> None:
    """A member of an enumeration is its word, so that every process can read it."""
    registry = CollectorRegistry()
    Counts("asked", "Questions.", ["ending"], registry=registry).labels(Ending.LENGTH).inc()
    ((_, __, ___, series),) = families(registry)
    assert [type(value) for _, labels, __ in series for value in labels.values()] == [str, str]


@pytest.mark.usefixtures("without_created")
def test_the_moment_of_the_beginning_can_be_left_out() -> None:
    """As the library leaves it out, where who runs the server wants that."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    Counts("asked", "Questions.", ["model"], registry=ours).labels("glm").inc()
    Spreads("took", "Seconds.", ["model"], buckets=BUCKETS, registry=ours).labels("glm").observe(0.2)
    Counter("asked", "Questions.", ["model"], registry=theirs).labels("glm").inc()
    Histogram("took", "Seconds.", ["model"], buckets=BUCKETS, registry=theirs).labels("glm").observe(0.2)
    assert generate_latest(ours) == generate_latest(theirs)
    assert b"_created" not in generate_latest(ours)


def test_numbers_begin_when_they_are_first_asked_for() -> None:
    """Their `_created` is that moment, and stays."""
    registry = CollectorRegistry()
    count = Counts("asked", "Questions.", ["model"], registry=registry).labels("glm")
    count.inc()
    assert registry.get_sample_value("asked_created", {"model": "glm"}) == count.created


def test_one_name_is_one_metric() -> None:
    """The registry refuses a second one under the same name."""
    registry = CollectorRegistry()
    Counts("asked", "Questions.", ["model"], registry=registry)
    with pytest.raises(ValueError, match="asked_total"):
        Counter("asked", "Questions.", registry=registry)
