"""Metrics of the embedded engine under the names that vLLM gives its own, so that what reads vLLM's reads ours.

Only what is known here. Left out are: preemptions and sleep states (there are none; a model that is not used has no
process), reasons of waiting (there is one: all slots are busy) and phases within a request, which llama.cpp does not
tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from glmgate.errors import CapacityExceeded
from glmgate.telemetry.attempts import Heard
from glmgate.telemetry.engines import LookAtEngines
from glmgate.telemetry.gen_ai import FIRST_TOKEN
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Place

_LABELS: Final = ("model_name", "engine")
_ENGINE: Final = "0"
"""vLLM numbers its engines; each of our models has one."""

# Seconds. vLLM's begin where a small model on a CPU has long finished, hence some lower ones.
_FIRST: Final = (*FIRST_TOKEN, 20.0, 40.0, 80.0, 160.0)
_BETWEEN: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0)
_WHOLE: Final = (0.05, 0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 240.0, 480.0)

_REASONS: Final = {"length": "length", "model_context_window_exceeded": "length"}


class EngineMetrics:
    """Watches the attempts at models of our own. `clock` gives seconds of any origin."""

    def __init__(
        self, registry: CollectorRegistry, engines: LookAtEngines, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.running: dict[str, set[_Watched]] = {}

        def counter(name: str, meaning: str, *more: str) -> Callable[..., Counter]:
            return cache(Counter(f"vllm:{name}", meaning, [*_LABELS, *more], registry=registry).labels)

        def histogram(name: str, meaning: str, buckets: tuple[float, ...]) -> Callable[..., Histogram]:
            return cache(Histogram(f"vllm:{name}", meaning, _LABELS, buckets=buckets, registry=registry).labels)

        registry.register(_Asked(engines, self.held))
        self.prompt = counter("prompt_tokens", "Tokens of prompts, cached ones included.")
        self.cached = counter("prompt_tokens_cached", "Tokens of prompts that were in the cache.")
        self.generated = counter("generation_tokens", "Tokens of answers.")
        self.queries = counter("prefix_cache_queries", "Tokens that were looked for in the cache.")
        self.hits = counter("prefix_cache_hits", "Tokens that were found there.")
        self.success = counter("request_success", "Finished requests, by why they ended.", "finished_reason")
        self.rejected = counter("admission_rejections", "Requests refused since the queue was full.")
        self.first = histogram("time_to_first_token_seconds", "Time to the first token.", _FIRST)
        self.between = histogram("inter_token_latency_seconds", "Time between tokens.", _BETWEEN)
        self.whole = histogram("e2e_request_latency_seconds", "Time of a finished request.", _WHOLE)
        self.queue = histogram("request_queue_time_seconds", "Time that a request waited for a slot.", _WHOLE)

    def attempt(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> _Watched | None:  # noqa: ARG002 # theirs
        """Watch it, where the place is a model of our own."""
        if place.upstream:
            return None
        watched = _Watched(self, place.model)
        self.running.setdefault(place.model, set()).add(watched)
        return watched

    def waited(self, model: str, seconds: float) -> None:
        """A request got a slot of the model after so long."""
        self.queue(model, _ENGINE).observe(seconds)

    def held(self, model: str) -> int:
        """The tokens that running requests hold in the cache; a prompt counts once its first token is there."""
        usages = [watched.usage for watched in self.running.get(model, ())]
        return sum(usage.total for usage in usages if usage is not None)


class _Watched(Heard):
    """One attempt at a model of our own."""

    __slots__ = ("_began", "_last", "_metrics", "_model")

    def __init__(self, metrics: EngineMetrics, model: str) -> None:
        super().__init__()
        self._metrics = metrics
        self._model = model
        self._began = metrics.clock()
        self._last: float | None = None

    @override
    def said(self, pieces: int) -> None:
        now = self._metrics.clock()
        if self._last is None:
            self._metrics.first(self._model, _ENGINE).observe(now - self._began)
        else:
            between = self._metrics.between(self._model, _ENGINE)
            for _ in range(pieces):
                between.observe((now - self._last) / pieces)
        self._last = now

    @override
    def over(self, how: str, error: BaseException | None) -> None:
        metrics, labels = self._metrics, (self._model, _ENGINE)
        metrics.running[self._model].discard(self)
        if isinstance(error, CapacityExceeded):
            metrics.rejected(*labels).inc()
            return
        reason = _REASONS.get(self.reasons[-1], "stop") if self.reasons else "stop"
        metrics.success(*labels, {"left": "abort", "failed": "error"}.get(how, reason)).inc()
        if how == "ok":
            metrics.whole(*labels).observe(metrics.clock() - self._began)
        if self.usage is not None:
            metrics.prompt(*labels).inc(self.usage.prompt)
            metrics.cached(*labels).inc(self.usage.cached)
            metrics.generated(*labels).inc(self.usage.completion)
            if self._last is not None:  # vectors are made without looking
                metrics.queries(*labels).inc(self.usage.prompt)
                metrics.hits(*labels).inc(self.usage.cached)


class _Asked(Collector):
    """What is as it is when somebody looks."""

    def __init__(self, engines: LookAtEngines, held: Callable[[str], int]) -> None:
        self._engines = engines
        self._held = held

    @override
    def collect(self) -> Iterable[Metric]:
        running = _gauge("num_requests_running", "Requests that hold a slot.")
        waiting = _gauge("num_requests_waiting", "Requests that wait for a slot.")
        usage = _gauge("kv_cache_usage_perc", "How much of the cache running requests hold; 1 is all of it.")
        config = _gauge("cache_config_info", "The size of the cache, in blocks of one token.", "block_size",
                        "num_gpu_blocks")  # fmt: skip
        for engine in self._engines():
            labels = (engine.name, _ENGINE)
            running.add_metric(labels, engine.busy)
            waiting.add_metric(labels, engine.waiting)
            if engine.cells:
                usage.add_metric(labels, min(1.0, self._held(engine.name) / engine.cells))
                config.add_metric((*labels, "1", str(engine.cells)), 1)
        yield from (running, waiting, usage, config)

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering asks nobody."""
        return ()


def _gauge(name: str, meaning: str, *more: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"vllm:{name}", meaning, labels=[*_LABELS, *more])
