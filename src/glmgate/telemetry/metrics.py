"""Metrics for Prometheus, in a registry of their own: requests, tokens, times, engines.

Labels are words of ours and the model that answered; a name that a caller typed never is one: each is kept for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from glmgate.telemetry.engines import LookAtEngines
from glmgate.telemetry.families import Family, families
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.gen_ai_metrics import GenAiMetrics
from glmgate.telemetry.keys import KeyMetrics
from glmgate.telemetry.ledger import LedgerNow, LookAtLedger
from glmgate.telemetry.limits import LimitMetrics
from glmgate.telemetry.record import Observer, RequestRecord
from glmgate.telemetry.tallies import Counts, Spreads
from glmgate.telemetry.upstreams import Breaker, Look, UpstreamsNow
from glmgate.telemetry.vllm import EngineMetrics

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

# Seconds. First tokens come from a small local model in milliseconds, from a long prompt in a minute.
_FIRST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_TOTAL: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

States = Callable[[], Mapping[str, str]]
"""The state (one word) of each engine's child process, by the name of its model."""


class Metrics(Observer):
    """Counts requests as they begin and end. Each of what it is made with is asked when somebody looks."""

    def __init__(
        self,
        *,
        states: States = dict,
        lost_lines: Callable[[], int] = int,
        upstreams: Look = UpstreamsNow,
        engines: LookAtEngines = tuple,
        ledger: LookAtLedger = LedgerNow,
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Asked(states, lost_lines))
        self._registry.register(_AskedUpstreams(upstreams))
        self._registry.register(_AskedLedger(ledger))
        ProcessCollector(registry=self._registry)
        self._in_flight = 0
        in_flight = Gauge("glmgate_requests_in_flight", "Requests under way.", registry=self._registry)
        in_flight.set_function(lambda: self._in_flight)
        # What every request counts is cheap to count, and labels are looked up in a cache.
        self._requests = cache(
            Counts(
                "glmgate_requests",
                "Finished requests.",
                ["surface", "endpoint", "model", "ending"],
                registry=self._registry,
            ).labels
        )
        self._tokens = cache(
            Counts(
                "glmgate_tokens",
                "Tokens: `cached` ones are part of `prompt`, `reasoning` ones of `completion`.",
                ["model", "kind"],
                registry=self._registry,
            ).labels
        )
        self._first = cache(
            Spreads(
                "glmgate_first_token_seconds",
                "Time to the first delta.",
                ["model"],
                buckets=_FIRST,
                registry=self._registry,
            ).labels
        )
        self._total = cache(
            Spreads(
                "glmgate_request_seconds",
                "Time from a request's decoding to its end.",
                ["endpoint", "model"],
                buckets=_TOTAL,
                registry=self._registry,
            ).labels
        )

        self._attempts = cache(
            Counts(
                "glmgate_attempts",
                "Calls to upstreams.",
                ["deployment", "outcome"],
                registry=self._registry,
            ).labels
        )
        self._cached = cache(
            Counts(
                "glmgate_cache_requests",
                "Requests that asked the cache: `hit` was in it, `shared` joined another's call, `miss` was neither.",
                ["model", "use"],
                registry=self._registry,
            ).labels
        )
        self.keys = KeyMetrics(self._registry)
        self.limits = LimitMetrics(self._registry)
        self.gen_ai = GenAiMetrics(self._registry)
        self.engines = EngineMetrics(self._registry, engines)

        self._filtered = Counter(
            "glmgate_filtered",
            "What filters did: masked or refused a text, could not be asked (`failed_*`), or were `missing`.",
            ["filter", "direction", "action"],
            registry=self._registry,
        )

    @override
    def began(self, flight: Flight) -> None:
        self._in_flight += 1

    @override
    def ended(self, record: RequestRecord) -> None:
        self._in_flight -= 1
        model = record.deployment
        self._requests(record.surface, record.endpoint, model, str(record.ending)).inc()
        self._total(record.endpoint, model).observe(record.total_s)
        if record.first_s is not None:
            self._first(model).observe(record.first_s)
        for attempt in record.attempts:
            self._attempts(attempt.deployment, attempt.outcome).inc()
        if record.cache_use is not None:
            self._cached(model, record.cache_use).inc()
        for use, times in record.filtered:
            self._filtered.labels(use.filter, use.direction, use.action).inc(times)
        usage = record.usage
        for kind, tokens in (
            ("prompt", usage.prompt),
            ("cached", usage.cached),
            ("completion", usage.completion),
            ("reasoning", usage.reasoning),
        ):
            if tokens:
                self._tokens(model, kind).inc(tokens)
        self.gen_ai.ended(record)

    def register(self, collector: Collector) -> None:
        """Show what `collector` knows, too."""
        self._registry.register(collector)

    def families(self) -> list[Family]:
        """All of it as plain values, for who sums up several processes."""
        return families(self._registry)

    def render(self) -> bytes:
        """All of it in Prometheus' text format, whose content type is CONTENT_TYPE."""
        return generate_latest(self._registry)


class _Asked(Collector):
    """What others know and is read when somebody looks."""

    def __init__(self, states: States, lost_lines: Callable[[], int]) -> None:
        self._states = states
        self._lost_lines = lost_lines

    @override
    def collect(self) -> Iterable[Metric]:
        engines = GaugeMetricFamily(
            "glmgate_engine_state", "1 for the state that an engine's process is in.", labels=["model", "state"]
        )
        for model, state in sorted(self._states().items()):
            engines.add_metric([model, state], 1)
        yield engines
        lost = CounterMetricFamily("glmgate_log_lines_lost", "Lines of the log that could not be written.")
        lost.add_metric([], self._lost_lines())
        yield lost

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask engines that do not run yet."""
        return ()


class _AskedUpstreams(Collector):
    """What upstreams are like when somebody looks."""

    def __init__(self, look: Look) -> None:
        self._look = look

    @override
    def collect(self) -> Iterable[Metric]:
        now = self._look()
        waiting = GaugeMetricFamily(
            "glmgate_upstream_waiting", "Requests that wait for a slot of an upstream.", labels=["upstream"]
        )
        by_credential = ["upstream", "credential"]
        in_flight = GaugeMetricFamily(
            "glmgate_upstream_in_flight",
            "Calls in flight, by the credential's place in the list.",
            labels=by_credential,
        )
        limit = GaugeMetricFamily(
            "glmgate_upstream_slots",
            "Calls that a credential may have in flight, set or learned.",
            labels=by_credential,
        )
        parked = GaugeMetricFamily(
            "glmgate_upstream_parked", "1 while a credential is left alone.", labels=by_credential
        )
        for upstream in now.upstreams:
            waiting.add_metric([upstream.name], upstream.waiting)
            for credential in upstream.credentials:
                labels = [upstream.name, str(credential.place)]
                in_flight.add_metric(labels, credential.in_flight)
                limit.add_metric(labels, credential.limit)
                parked.add_metric(labels, int(credential.parked))
        yield from (waiting, in_flight, limit, parked)
        yield _breakers(now)

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering asks nobody."""
        return ()


def _breakers(now: UpstreamsNow) -> Metric:
    family = GaugeMetricFamily(
        "glmgate_breaker_state", "1 for the state that a deployment's breaker is in.", labels=["deployment", "state"]
    )
    for deployment, state in sorted(now.breakers.items()):
        for each in get_args(Breaker):
            family.add_metric([deployment, each], int(each == state))
    return family


class _AskedLedger(Collector):
    """How the ledger's journal is doing when somebody looks."""

    def __init__(self, look: LookAtLedger) -> None:
        self._look = look

    @override
    def collect(self) -> Iterable[Metric]:
        now = self._look()
        rows = GaugeMetricFamily(
            "glmgate_ledger_waiting_rows",
            "Rows of the ledger that are not in the database yet: in the journal, or in memory alone.",
            labels=["where"],
        )
        rows.add_metric(["journal"], now.waiting)
        rows.add_metric(["memory"], now.held)
        yield rows
        for name, meaning, value in (
            ("commits", "Transactions that moved rows of the ledger into the database.", now.commits),
            ("failures", "Times that the database did not take the ledger's rows.", now.failures),
            ("unknown_attempts", "Attempts of processes that died, settled at what was reserved.", now.unknown),
            ("unbooked_attempts", "Attempts of the embedded engine that could not be put down.", now.unbooked),
            ("lost_rows", "Rows of the ledger that neither journal nor database could take.", now.refused),
        ):
            family = CounterMetricFamily(f"glmgate_ledger_{name}", meaning)
            family.add_metric([], value)
            yield family

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering asks nobody."""
        return ()
