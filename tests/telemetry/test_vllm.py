"""The embedded engine's metrics under vLLM's names."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from glmgate.errors import CapacityExceeded, EngineFailed
from glmgate.telemetry.engines import EngineNow
from glmgate.telemetry.vllm import EngineMetrics
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, FinishReason, Usage
from glmgate.wire.engine import Call, Caller, Entry, Place
from tests.fakes.clock import FakeClock

# As a real vLLM 0.32 shows them; what is not here is left out on purpose, see the module.
NAMES = {
    "vllm:num_requests_running": "gauge",
    "vllm:num_requests_waiting": "gauge",
    "vllm:kv_cache_usage_perc": "gauge",
    "vllm:cache_config_info": "gauge",
    "vllm:prompt_tokens": "counter",
    "vllm:prompt_tokens_cached": "counter",
    "vllm:generation_tokens": "counter",
    "vllm:prefix_cache_queries": "counter",
    "vllm:prefix_cache_hits": "counter",
    "vllm:request_success": "counter",
    "vllm:admission_rejections": "counter",
    "vllm:time_to_first_token_seconds": "histogram",
    "vllm:inter_token_latency_seconds": "histogram",
    "vllm:e2e_request_latency_seconds": "histogram",
    "vllm:request_queue_time_seconds": "histogram",
}
CALL = Call("r-1", Caller("k-1"), "openai")
OWN = Place("tiny", "", "tiny")
REQUEST = ChatRequest(model="tiny", messages=[])


class Engine:
    """Metrics of one model, and what Prometheus reads of them."""

    def __init__(self, *now: EngineNow) -> None:
        self.clock = FakeClock(0.0)
        self.registry = CollectorRegistry()
        self.metrics = EngineMetrics(self.registry, lambda: now, clock=self.clock)

    def attempt(self) -> Entry:
        """An attempt at the model."""
        entry = self.metrics.attempt(CALL, OWN, REQUEST)
        assert entry is not None
        return entry

    def value(self, name: str, **labels: str) -> float | None:
        """A sample of the model's."""
        wanted = {"model_name": "tiny", "engine": "0"} | labels
        for family in text_string_to_metric_families(generate_latest(self.registry).decode()):
            for sample in family.samples:
                if sample.name == f"vllm:{name}" and sample.labels == wanted:
                    return sample.value
        return None


def test_the_names_are_vllms() -> None:
    """Each with its type, and no others."""
    engine = Engine(EngineNow("tiny", "ready", cells=10))
    families = text_string_to_metric_families(generate_latest(engine.registry).decode())
    assert {family.name: family.type for family in families if not family.name.endswith("_created")} == NAMES


def test_what_is_as_it_is_now_is_asked_for() -> None:
    """Busy slots, who waits, and how much the cache holds."""
    engine = Engine(EngineNow("tiny", "ready", busy=2, slots=4, waiting=3, cells=4096))
    assert engine.value("num_requests_running") == 2
    assert engine.value("num_requests_waiting") == 3
    assert engine.value("cache_config_info", block_size="1", num_gpu_blocks="4096") == 1


def test_the_cache_is_as_full_as_running_requests_make_it() -> None:
    """From their first token on, and no more when they are over."""
    engine = Engine(EngineNow("tiny", "ready", cells=100))
    one, two = engine.attempt(), engine.attempt()
    assert engine.value("kv_cache_usage_perc") == 0
    one.saw((Delta(content="a", usage=Usage(19, 1)),))
    two.saw((Delta(content="a", usage=Usage(4, 1)),))
    assert engine.value("kv_cache_usage_perc") == 0.25
    one.ended()
    assert engine.value("kv_cache_usage_perc") == 0.05
    two.left()
    assert engine.value("kv_cache_usage_perc") == 0


def test_a_model_that_never_ran_has_no_cache() -> None:
    """Nothing is said of what is not known."""
    assert Engine(EngineNow("tiny", "stopped")).value("kv_cache_usage_perc") is None


def test_an_answer_is_counted_when_it_is_over() -> None:
    """Its tokens, those of the prompt that were in the cache, and its times."""
    engine = Engine()
    entry = engine.attempt()
    engine.clock.advance(2)
    entry.saw((Delta(content="a", usage=Usage(10, 1, cached=4)),))
    engine.clock.advance(1)
    entry.saw((Delta(content="b"), Delta(content="c", usage=Usage(10, 3, cached=4))))
    engine.clock.advance(1)
    entry.saw((Delta(finish_reason="stop", usage=Usage(10, 3, cached=4)),))
    entry.ended()
    entry.left()
    assert engine.value("prompt_tokens_total") == engine.value("prefix_cache_queries_total") == 10
    assert engine.value("prompt_tokens_cached_total") == engine.value("prefix_cache_hits_total") == 4
    assert engine.value("generation_tokens_total") == 3
    assert engine.value("time_to_first_token_seconds_sum") == 2
    assert engine.value("inter_token_latency_seconds_count") == 3
    assert engine.value("inter_token_latency_seconds_sum") == 2
    assert engine.value("e2e_request_latency_seconds_sum") == 4
    assert engine.value("request_success_total", finished_reason="stop") == 1


@pytest.mark.parametrize(
    ("reason", "word"), [("stop", "stop"), ("tool_calls", "stop"), ("length", "length"), (None, "stop")]
)
def test_why_an_answer_ended_is_said_in_vllms_words(reason: FinishReason | None, word: str) -> None:
    """A call is an answer that has stopped."""
    engine = Engine()
    entry = engine.attempt()
    if reason is not None:
        entry.saw((Delta(finish_reason=reason),))
    entry.ended()
    assert engine.value("request_success_total", finished_reason=word) == 1


def test_an_answer_that_is_left_is_aborted_and_its_tokens_count() -> None:
    """It took no time that could be compared."""
    engine = Engine()
    entry = engine.attempt()
    entry.saw((Delta(content="a", usage=Usage(5, 1)),))
    entry.left()
    assert engine.value("request_success_total", finished_reason="abort") == 1
    assert engine.value("generation_tokens_total") == 1
    assert engine.value("e2e_request_latency_seconds_count") is None


def test_a_failure_is_an_error_and_a_full_queue_a_rejection() -> None:
    """A request that was not let in has not finished."""
    engine = Engine()
    engine.attempt().failed(EngineFailed("broke"))
    engine.attempt().failed(CapacityExceeded("full"))
    assert engine.value("request_success_total", finished_reason="error") == 1
    assert engine.value("admission_rejections_total") == 1


def test_vectors_look_into_no_cache() -> None:
    """Their tokens are prompts, and nothing is generated."""
    engine = Engine()
    engine.attempt().whole(Usage(7))
    assert engine.value("prompt_tokens_total") == 7
    assert engine.value("prefix_cache_queries_total") is None
    assert engine.value("generation_tokens_total") == 0


def test_waiting_for_a_slot_is_measured() -> None:
    """However the request ends."""
    engine = Engine()
    engine.metrics.waited("tiny", 0.25)
    assert engine.value("request_queue_time_seconds_sum") == 0.25


def test_attempts_at_upstreams_are_not_the_engines() -> None:
    """Those have metrics of their own."""
    engine = Engine()
    assert engine.metrics.attempt(CALL, Place("zai/glm-4.6", "zai", "glm-4.6"), REQUEST) is None
