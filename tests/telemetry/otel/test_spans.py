"""Spans of requests and attempts, as an exporter in memory sees them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from glmgate.errors import EngineFailed
from glmgate.telemetry.otel.exporting import Exporting
from glmgate.telemetry.otel.spans import Spans
from glmgate.telemetry.settings import OtelSettings
from glmgate.wire.charge import NANO, Charge
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Call, Caller, Entry, Place
from tests.telemetry.records import flight, record

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
PLACE = Place("zai/glm-4.6", "zai", "glm-4.6", 1)
REQUEST = ChatRequest(model="glm-4.6", messages=[], max_tokens=50)


class Traced:
    """Spans, and what was exported of them."""

    def __init__(self, **settings: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.exporting = Exporting(OtelSettings(**settings), SimpleSpanProcessor(self.exporter), self.reader)

    @property
    def spans(self) -> Spans:
        """What makes them."""
        return self.exporting.spans

    def named(self, kind: SpanKind) -> list[ReadableSpan]:
        """The finished ones of a kind."""
        return [span for span in self.exporter.get_finished_spans() if span.kind is kind]

    def attributes(self, kind: SpanKind) -> dict[str, Any]:
        """Those of the only one of a kind."""
        (span,) = self.named(kind)
        return dict(span.attributes or {})

    def points(self, name: str) -> list[Any]:
        """The points of a metric."""
        data = self.reader.get_metrics_data()
        assert data is not None
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def make() -> Iterator[Callable[..., Traced]]:
    """Makes spans; they are shut down afterwards."""
    made: list[Traced] = []

    def one(**settings: Any) -> Traced:
        made.append(Traced(**settings))
        return made[-1]

    yield one
    for each in made:
        each.exporting.close()


@pytest.fixture
def traced(make: Callable[..., Traced]) -> Traced:
    """Spans with the usual settings."""
    return make()


def call(**changes: Any) -> Call:
    """A call."""
    return Call("r-1", Caller("k-1", project="web"), "openai", **{"uid": "u-1"} | changes)


def attempted(traced: Traced, asked: Call, end: Callable[[Entry], None] = lambda entry: entry.ended()) -> None:
    """An attempt that says a word, and then ends."""
    entry = traced.spans.attempt(asked, PLACE, REQUEST)
    entry.saw((Delta(content="a"),))
    entry.saw((Delta(finish_reason="stop", usage=Usage(9, 3, cached=2, reasoning=1)),))
    end(entry)


def test_a_request_is_a_span_of_the_server_in_its_callers_trace(traced: Traced) -> None:
    """Named after the operation and the model that was asked for."""
    asked = call(traceparent=PARENT, tracestate="vendor=1")
    traced.spans.began(flight(asked, max_tokens=5, temperature=0.5, top_p=1, stream=True, n=2, seed=7))
    traced.spans.ended(record(uid="u-1", reasons=("stop",), place="zai/glm-4.6", cache_use="miss"))
    (span,) = traced.named(SpanKind.SERVER)
    assert span.name == "chat gpt-4o"
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.status.status_code is StatusCode.UNSET
    assert traced.attributes(SpanKind.SERVER) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "glmgate",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.max_tokens": 5,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 1,
        "gen_ai.request.seed": 7,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "glmgate-tiny",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.0312,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "glmgate.request_id": "r-1",
        "glmgate.uid": "u-1",
        "glmgate.key_id": "k-1",
        "glmgate.project": "web",
        "glmgate.surface": "openai",
        "glmgate.ending": "completed",
        "glmgate.cache": "miss",
        "glmgate.deployment": "zai/glm-4.6",
        "glmgate.adaptations": ("temperature=1.7->1",),
    }


def test_an_attempt_is_a_span_of_a_client_below_it(traced: Traced) -> None:
    """With the upstream's name for the model, and what it said of its tokens."""
    asked = call(traceparent=PARENT)
    traced.spans.began(flight(asked))
    attempted(traced, asked)
    traced.spans.ended(record(uid="u-1"))
    (span,) = traced.named(SpanKind.CLIENT)
    (above,) = traced.named(SpanKind.SERVER)
    assert span.parent is not None
    assert (span.name, span.parent.span_id) == ("chat glm-4.6", above.context.span_id)
    found = traced.attributes(SpanKind.CLIENT)
    assert found.pop("gen_ai.response.time_to_first_chunk") >= 0
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "zai",
        "gen_ai.request.model": "glm-4.6",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.response.model": "glm-4.6",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "glmgate.deployment": "zai/glm-4.6",
        "glmgate.credential": 1,
    }


def test_what_is_sent_carries_the_attempts_id(traced: Traced) -> None:
    """Each attempt its own, all in one trace, and the caller's vendors' words beside it."""
    asked = call(traceparent=PARENT, tracestate="vendor=1")
    traced.spans.began(flight(asked))
    sent = []
    for _ in range(2):
        attempted(traced, asked)
        sent.append(asked.traceparent)
    ids = [f"{span.context.span_id:016x}" for span in traced.named(SpanKind.CLIENT)]
    assert sent == [f"00-{TRACE}-{one}-01" for one in ids]
    assert len(set(ids)) == 2
    assert asked.tracestate == "vendor=1"


@pytest.mark.parametrize("header", [None, "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_without_a_trace_one_begins_here(traced: Traced, header: str | None) -> None:
    """Also where the caller's header is none; vendors' words without a trace are not handed on."""
    asked = call(traceparent=header, tracestate="vendor=1")
    traced.spans.began(flight(asked))
    traced.spans.ended(record(uid="u-1"))
    assert traced.named(SpanKind.SERVER)[0].parent is None
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", asked.traceparent or "")
    assert asked.tracestate is None


def test_a_trace_that_its_sender_does_not_keep_is_not_kept(traced: Traced) -> None:
    """It goes on all the same, so that those behind us know."""
    asked = call(traceparent=PARENT.removesuffix("01") + "00")
    traced.spans.began(flight(asked))
    attempted(traced, asked)
    traced.spans.ended(record(uid="u-1"))
    assert traced.exporter.get_finished_spans() == ()
    assert (asked.traceparent or "").split("-")[1] == TRACE
    assert (asked.traceparent or "").endswith("-00")


def test_a_part_of_the_traces_can_be_kept(make: Callable[..., Traced]) -> None:
    """None of those that begin here; one that comes in is kept as its sender says."""
    traced = make(sample=0.0)
    for header in (None, PARENT):
        traced.spans.began(flight(call(traceparent=header)))
        traced.spans.ended(record(uid="u-1"))
    assert len(traced.exporter.get_finished_spans()) == 1


@pytest.mark.parametrize(
    ("ending", "code", "status", "kind"),
    [
        ("failed_after", "engine_failed", StatusCode.ERROR, "engine_failed"),
        ("timed_out", None, StatusCode.ERROR, "timed_out"),
        ("refused", "invalid_request", StatusCode.UNSET, "invalid_request"),
        ("client_left_after", None, StatusCode.UNSET, "client_left_after"),
    ],
)
def test_a_requests_error_has_a_type(
    traced: Traced, ending: str, code: str | None, status: StatusCode, kind: str
) -> None:
    """A status of an error is for what failed here or behind us, not for what a caller did."""
    traced.spans.began(flight(call()))
    traced.spans.ended(record(uid="u-1", ending=ending, error_code=code))
    (span,) = traced.named(SpanKind.SERVER)
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (status, kind)


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (EngineFailed("with a caller's words"), "engine_failed", StatusCode.ERROR),
        (KeyError("with a caller's words"), "internal_error", StatusCode.ERROR),
        (asyncio.CancelledError(), "cancelled", StatusCode.UNSET),
    ],
)
def test_an_attempts_error_is_a_word_of_ours(
    traced: Traced, error: BaseException, kind: str, status: StatusCode
) -> None:
    """What an upstream wrote stays out of a trace."""
    asked = call()
    attempted(traced, asked, lambda entry: entry.failed(error))
    (span,) = traced.named(SpanKind.CLIENT)
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (status, kind)
    assert "words" not in span.to_json()


def test_money_is_an_attribute_of_the_request(traced: Traced) -> None:
    """Each currency by itself."""
    charges = (Charge(amount=NANO // 4, currency="USD"), Charge(amount=NANO, currency="CNY"))
    traced.spans.began(flight(call()))
    traced.spans.ended(record(uid="u-1", charges=charges))
    found = traced.attributes(SpanKind.SERVER)
    assert (found["glmgate.charge.usd"], found["glmgate.charge.cny"]) == (0.25, 1.0)


def test_no_contents_are_in_a_span(traced: Traced) -> None:
    """Neither what was asked nor what was said."""
    asked = call()
    traced.spans.began(flight(asked, stop="secret words"))
    entry = traced.spans.attempt(asked, PLACE, REQUEST)
    entry.saw((Delta(content="secret words"),))
    entry.ended()
    traced.spans.ended(record(uid="u-1"))
    assert len(traced.exporter.get_finished_spans()) == 2
    assert all("secret" not in span.to_json() for span in traced.exporter.get_finished_spans())


def test_a_callers_name_for_a_model_is_cut_and_whole(traced: Traced) -> None:
    """Half a character would cost the whole batch that it is in."""
    traced.spans.began(flight(call(), model="\ud800" + "m" * 1000))
    traced.spans.ended(record(uid="u-1"))
    model = traced.attributes(SpanKind.SERVER)["gen_ai.request.model"]
    assert len(model.encode()) == 200


def test_numbers_beyond_what_the_protocol_holds_are_left_out(traced: Traced) -> None:
    """They would cost the batch as well."""
    traced.spans.began(flight(call(), seed=2**64))
    traced.spans.ended(record(uid="u-1"))
    assert "gen_ai.request.seed" not in traced.attributes(SpanKind.SERVER)


def test_an_end_without_a_begin_is_nothing(traced: Traced) -> None:
    """As of a request that began before this was on."""
    traced.spans.ended(record(uid="u-9"))
    assert traced.exporter.get_finished_spans() == ()


def test_metrics_are_the_conventions(traced: Traced) -> None:
    """Requests as a server's, attempts as a client's, with the buckets that are asked for."""
    asked = call()
    traced.spans.began(flight(asked))
    attempted(traced, asked)
    traced.spans.charged(asked, PLACE, Charge(usage=Usage(9, 3)))
    traced.spans.ended(record(uid="u-1", token_s=0.02))
    (request,) = traced.points("gen_ai.server.request.duration")
    assert (request.sum, request.explicit_bounds[0], request.explicit_bounds[-1]) == (1.5, 0.01, 81.92)
    assert dict(request.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "glmgate",
        "gen_ai.response.model": "glmgate-tiny",
    }
    (first,) = traced.points("gen_ai.server.time_to_first_token")
    (token,) = traced.points("gen_ai.server.time_per_output_token")
    assert (first.sum, token.sum) == (0.0312, 0.02)
    (attempt,) = traced.points("gen_ai.client.operation.duration")
    assert (attempt.count, attempt.attributes["gen_ai.provider.name"]) == (1, "zai")
    usage = {point.attributes["gen_ai.token.type"]: point.sum for point in traced.points("gen_ai.client.token.usage")}
    assert usage == {"input": 9, "output": 3}


def test_metrics_of_a_failure_have_its_type_and_no_times_of_tokens(traced: Traced) -> None:
    """As on `/metrics`."""
    asked = call()
    traced.spans.began(flight(asked))
    attempted(traced, asked, lambda entry: entry.failed(EngineFailed("broke")))
    traced.spans.ended(record(uid="u-1", ending="failed_after", error_code="engine_failed"))
    (request,) = traced.points("gen_ai.server.request.duration")
    (attempt,) = traced.points("gen_ai.client.operation.duration")
    assert request.attributes["error.type"] == attempt.attributes["error.type"] == "engine_failed"
    assert traced.points("gen_ai.server.time_to_first_token") == []
