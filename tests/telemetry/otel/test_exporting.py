"""Sending to a collector: what arrives there, and that nobody waits for it."""

from __future__ import annotations

import time

import pytest

from glmgate import __version__
from glmgate.telemetry.otel.exporting import exporting
from glmgate.telemetry.otel.spans import Spans
from glmgate.telemetry.settings import OtelSettings
from glmgate.wire.engine import Call, Caller
from tests.fakes.collector import attributes_of, collecting
from tests.telemetry.records import flight, record


def served(spans: Spans, number: int = 0) -> None:
    """A request, from its begin to its end."""
    uid = f"u-{number}"
    spans.began(flight(Call("r-1", Caller("k-1"), "openai", uid=uid)))
    spans.ended(record(uid=uid))


async def test_what_was_made_has_arrived_when_it_is_closed() -> None:
    """Spans and metrics, under the service's name, with the headers that were asked for."""
    with collecting() as collector:
        settings = OtelSettings(endpoint=f"{collector.url}/", service_name="gate")
        async with exporting(settings, {"x-token": "abc"}) as spans:
            served(spans)
        assert [span.name for span in collector.spans] == ["chat gpt-4o"]
        assert attributes_of(collector.spans[0])["glmgate.ending"] == "completed"
        resource = attributes_of(collector.traces[0].resource_spans[0].resource)
        assert (resource["service.name"], resource["service.version"]) == ("gate", __version__)
        assert collector.names == {
            "gen_ai.server.request.duration",
            "gen_ai.server.time_to_first_token",
        }
        assert {each["x-token"] for each in collector.headers} == {"abc"}


async def test_metrics_can_be_left_out() -> None:
    """Whoever scrapes `/metrics` needs them once."""
    with collecting() as collector:
        async with exporting(OtelSettings(endpoint=collector.url, metrics=False), {}) as spans:
            served(spans)
        assert (len(collector.spans), collector.metrics) == (1, [])


@pytest.mark.parametrize("trouble", ["slow", "refusing", "absent"])
async def test_a_collector_in_trouble_holds_nobody_up(trouble: str) -> None:
    """Requests do not wait for one that is slow, refuses, or is not there; nor does the end of the server, for long."""
    with collecting() as collector:
        collector.delay_s = 30.0 if trouble == "slow" else 0.0
        collector.status = 400 if trouble == "refusing" else 200
        url = "http://127.0.0.1:9" if trouble == "absent" else collector.url
        began = time.monotonic()
        async with exporting(OtelSettings(endpoint=url), {}) as spans:
            at_once = time.monotonic()
            for number in range(5000):
                served(spans, number)
            assert time.monotonic() - at_once < 10
        assert time.monotonic() - began < 15
