"""What is seen of requests through the whole chain: metrics, traces, charges, and what is going on now."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.contract.stage import Stage, Upstream, models, staged
from tests.fakes.collector import Collector, attributes_of, collecting
from tests.services import Service, running
from tests.stories.asking import Place, ask

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
PRICES = '[[prices]]\nmodel = "glm-*"\ncurrency = "USD"\ninput = 1\noutput = 2\n'
SERVER, CLIENT = 2, 3


@contextlib.asynccontextmanager
async def traced(home: Path, service: Service, collector: Collector) -> AsyncIterator[Stage]:
    """A gateway in front of a service, with a collector."""
    otel = f'[otel]\nendpoint = "{collector.url}"\n'
    async with staged(home, Upstream(service=service), tables=models("glm-4.6") + PRICES + otel) as stage:
        yield stage


async def seen(stage: Stage, path: str) -> str:
    """What a path for operators shows."""
    return (await asyncio.to_thread(ask, Place(stage.port, None), "GET", path)).body.decode()


async def test_a_trace_goes_through(tmp_path: Path) -> None:
    """The caller's span is above ours, the attempt's below it, and the service is told the attempt's."""
    with running("zai") as service, collecting() as collector:
        async with traced(tmp_path, service, collector) as stage:
            await stage.chat(streamed=True, headers={"traceparent": PARENT, "tracestate": "vendor=1"})
        sent = service.last.headers
        (above,) = [span for span in collector.spans if span.kind == SERVER]
        (attempt,) = [span for span in collector.spans if span.kind == CLIENT]
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert above.parent_span_id.hex() == "b7ad6b7169203331"
    assert attempt.parent_span_id == above.span_id
    assert sent["traceparent"] == f"00-{TRACE}-{attempt.span_id.hex()}-01"
    assert sent["tracestate"] == "vendor=1"
    assert attributes_of(above)["gen_ai.request.model"] == "glm-4.6"
    assert attributes_of(above)["glmgate.charge.usd"] > 0
    assert attributes_of(attempt)["gen_ai.provider.name"] == "it"
    assert "gen_ai.client.token.usage" in collector.names


async def test_each_try_is_a_span_of_its_own(tmp_path: Path) -> None:
    """A failure that nobody saw is seen here, with what it was."""
    with running("zai") as service, collecting() as collector:
        service.break_stream("before_headers")
        async with traced(tmp_path, service, collector) as stage:
            await stage.chat(headers={"traceparent": PARENT})
        tries = [span for span in collector.spans if span.kind == CLIENT]
        told = [heard.headers["traceparent"].split("-")[2] for heard in service.requests]
    assert len(tries) == len(told) == 2
    assert {span.span_id.hex() for span in tries} == set(told)
    assert sorted("error.type" in attributes_of(span) for span in tries) == [False, True]


async def test_several_choices_are_told_apart(tmp_path: Path) -> None:
    """Calls that are made at the same time each carry their own id."""
    with running("zai") as service, collecting() as collector:
        async with traced(tmp_path, service, collector) as stage:
            await stage.chat(n=3, headers={"traceparent": PARENT})
        spans = {span.span_id.hex() for span in collector.spans if span.kind == CLIENT}
        told = {heard.headers["traceparent"].split("-")[2] for heard in service.requests}
    assert len(told) == 3
    assert told == spans


async def test_without_a_collector_a_trace_is_handed_on_as_it_came(tmp_path: Path) -> None:
    """And nothing of OpenTelemetry is there."""
    with running("zai") as service:
        async with staged(tmp_path, Upstream(service=service), tables=models("glm-4.6")) as stage:
            await stage.chat(headers={"traceparent": PARENT, "tracestate": "vendor=1"})
            headers = service.last.headers
    assert (headers["traceparent"], headers["tracestate"]) == (PARENT, "vendor=1")


async def test_charges_are_counted_where_they_arise(tmp_path: Path) -> None:
    """Under the deployment, in units of the currency."""
    with running("zai") as service:
        async with staged(tmp_path, Upstream(service=service), tables=models("glm-4.6") + PRICES) as stage:
            told = await stage.chat()
            shown = await seen(stage, "/metrics")
    cost = (told.usage.prompt_tokens + 2 * told.usage.completion_tokens) / 1e6
    (line,) = [each for each in shown.splitlines() if each.startswith("glmgate_charges_total{")]
    assert line.startswith('glmgate_charges_total{currency="USD",deployment="it/glm-4.6",estimated="false"} ')
    assert abs(float(line.rpartition(" ")[2]) - cost) < 1e-12


async def test_what_is_going_on_can_be_seen(tmp_path: Path) -> None:
    """A request that streams, with its tokens so far; and nothing when it is over."""
    with running("zai") as service:
        service.slow(first_s=0.0, between_s=0.2)
        async with staged(tmp_path, Upstream(service=service), tables=models("glm-4.6")) as stage:
            asking = asyncio.create_task(stage.chat(streamed=True))
            request = await until_streaming(stage)
            now = json.loads(await seen(stage, "/glmgate/now"))
            await asking
            after = json.loads(await seen(stage, "/glmgate/now"))
    assert (request["model"], request["deployment"], request["endpoint"]) == ("glm-4.6", "it/glm-4.6", "chat")
    assert request["tokens"] > 0
    assert now["upstreams"][0]["credentials"][0]["slots"] == 8
    assert (after["requests"], after["minute"]["requests"]) == ([], 1)


async def until_streaming(stage: Stage) -> dict[str, Any]:
    """The only request under way, once its first words have come."""
    async with asyncio.timeout(10):
        while True:
            requests = json.loads(await seen(stage, "/glmgate/now"))["requests"]
            if requests and requests[0]["state"] == "streaming":
                found: dict[str, Any] = requests[0]
                return found
            await asyncio.sleep(0.01)
