"""Metrics of several processes as those of one server: sums that never go down when a process is replaced.

How the numbers of the processes come together is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

Series = tuple[str, Mapping[str, str], float]
"""A sample: its name, labels and value."""
Family = tuple[str, str, str, Sequence[Series]]
"""A metric: its name, type, what it says, and its samples. Plain values that a message can hold."""

_COUNTED: Final = frozenset({"counter", "histogram", "summary"})
# What is no amount: of several processes the first or the smallest is meant.
_LEAST: Final = frozenset({"process_start_time_seconds", "process_max_fds", "vllm:cache_config_info"})
_CREATED: Final = "_created"

_Key = tuple[str, tuple[tuple[str, str], ...]]


def families(collector: Collector) -> list[Family]:
    """What a collector shows now."""
    return [
        (
            metric.name,
            metric.type,
            metric.documentation,
            [(sample.name, dict(sample.labels), sample.value) for sample in metric.samples],
        )
        for metric in collector.collect()
    ]


class Totals:
    """What processes have shown, each the last time, and what those have counted that are gone."""

    def __init__(self) -> None:
        self._latest: dict[int, Sequence[Family]] = {}
        self._gone: Sequence[Family] = ()
        self._ended: set[int] = set()

    def update(self, process: int, shown: Sequence[Family]) -> None:
        """A process shows this now. Numbers of processes are never used again."""
        if process not in self._ended:
            self._latest[process] = shown

    def ended(self, process: int) -> None:
        """A process is gone: what it had counted stays, what it held does not."""
        self._ended.add(process)
        left = self._latest.pop(process, ())
        counted = [family for family in left if family[1] in _COUNTED]
        self._gone = list(summed([self._gone, counted]))

    def render(self, own: Sequence[Family]) -> bytes:
        """All of it, with what this process shows itself, in Prometheus' text format."""
        return generate_latest(_Shown(summed([own, *self._latest.values(), self._gone])))


class _Shown(Collector):
    """Families as the library writes them."""

    def __init__(self, shown: Iterable[Family]) -> None:
        self._shown = list(shown)

    @override
    def collect(self) -> Iterable[Metric]:
        for name, kind, documentation, series in self._shown:
            metric = Metric(name, documentation, kind)
            for sample, labels, value in series:
                metric.add_sample(sample, dict(labels), value)
            yield metric


def summed(parts: Sequence[Sequence[Family]]) -> Iterator[Family]:
    """The families of all parts, the samples of the same name and labels as one."""
    found: dict[str, tuple[str, str, dict[_Key, float]]] = {}
    for part in parts:
        for name, kind, documentation, series in part:
            _, __, samples = found.setdefault(name, (kind, documentation, {}))
            for sample, labels, value in series:
                key = (sample, tuple(sorted(labels.items())))
                known = samples.get(key)
                samples[key] = value if known is None else _together(sample, known, value)
    for name, (kind, documentation, samples) in found.items():
        yield name, kind, documentation, [(sample, dict(labels), value) for (sample, labels), value in samples.items()]


def _together(sample: str, one: float, other: float) -> float:
    if sample in _LEAST or sample.endswith(_CREATED):
        return min(one, other)
    return one + other
