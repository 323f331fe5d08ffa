"""What is promised when services refuse, fail, or are slow: through the whole chain, for OpenAI's client.

Contract row A1 and section 3.5; the single parts have their own tests under `routing` and `engines`.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from openai import APIStatusError, RateLimitError

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream.engine import UpstreamEngine
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream as EngineUpstream
from glmgate.errors import QuotaExhausted
from glmgate.routing.attempts import Attempts
from glmgate.routing.continuity import Continuity, OwnPools
from glmgate.transport.aiohttp import AiohttpTransport
from tests.contract.bodies import HELLO, both
from tests.contract.stage import Stage, Upstream, models, staged
from tests.fakes.asked import said
from tests.fakes.clock import FakeClock
from tests.fakes.engine import call
from tests.services import KEYS, Service, running
from tests.stories.asking import Place, sent
from tests.surfaces.live import until

BEIJING = timezone(timedelta(hours=8))
SPOKEN = "Hello from the service."


@contextlib.asynccontextmanager
async def alone(
    home: Path, service: Service, *, keys: int = 1, concurrency: int | str = 8, auth: bool = False
) -> AsyncIterator[Stage]:
    """A gateway in front of one service."""
    upstream = Upstream(service=service, keys=keys, concurrency=concurrency)
    async with staged(home, upstream, tables=models("glm-4.6"), auth=auth) as stage:
        yield stage


@both
@pytest.mark.parametrize("concurrency", [1, 4, "learn"])
async def test_twenty_at_once_for_one_slot(tmp_path: Path, concurrency: int | str, streamed: bool) -> None:
    """All succeed, whether the limit is known, set too high or learned; few are wasted on refusals."""
    with running("zai") as service:
        service.allow(concurrent=1)
        service.slow(first_s=0.02)
        async with alone(tmp_path, service, concurrency=concurrency, auth=True) as stage:
            callers = [stage, *[await stage.another(f"key {place}") for place in range(3)]]
            told = await asyncio.gather(*(callers[place % 4].chat(streamed=streamed) for place in range(20)))
            for caller in callers:
                await caller.aclose()
        assert [each.text for each in told] == [SPOKEN] * 20
        refused = [heard for heard in service.requests if heard.status == 429]
        assert len(service.requests) == 20 + len(refused)
        assert len(refused) <= (0 if concurrency == 1 else 8)


async def test_two_credentials_of_one_account_share_its_limit(tmp_path: Path) -> None:
    """Each may be at one slot and still be refused: who was goes back into the queue, and all succeed."""
    with running("zai") as service:
        service.allow(concurrent=1)
        service.slow(first_s=0.05)
        async with alone(tmp_path, service, keys=2, concurrency="learn") as stage:
            told = await asyncio.gather(*(stage.chat() for _ in range(20)))
        assert [each.text for each in told] == [SPOKEN] * 20


async def test_slots_are_shared_fairly(tmp_path: Path) -> None:
    """Who comes late with a few requests does not wait behind all of who came first with many."""
    with running("zai") as service:
        service.allow(concurrent=1)
        service.slow(first_s=0.05)
        async with alone(tmp_path, service, concurrency=1, auth=True) as stage:
            few = await stage.another("few")
            many_asked = [asyncio.create_task(stage.chat(user_id=f"many-{place:02}")) for place in range(15)]
            await until(lambda: len(service.requests) >= 2, within_s=10)
            few_asked = [asyncio.create_task(few.chat(user_id=f"few-{place:02}")) for place in range(5)]
            await asyncio.gather(*many_asked, *few_asked)
            await few.aclose()
        order = [str(heard.body["user_id"]).partition("-")[0] for heard in service.requests]
        assert Counter(order) == {"many": 15, "few": 5}
        first = order.index("few")
        assert first <= 6
        assert order[first : first + 9].count("few") >= 4
        assert service.most_in_flight == 1


@pytest.mark.parametrize("when", ["before", "while streaming", "plain"])
async def test_a_client_that_is_gone(tmp_path: Path, when: str) -> None:
    """The service's connection is closed within 100 ms; medians, because the machine is shared."""
    with running("zai") as service:
        service.slow(first_s=0.0 if when == "while streaming" else 30, between_s=30)
        async with alone(tmp_path, service, concurrency=1) as stage:
            took = [await seconds_to_cancel(stage, service, streamed=when != "plain") for _ in range(5)]
        assert statistics.median(took) < 0.25, took
        assert min(took) < 0.1, took


async def seconds_to_cancel(stage: Stage, service: Service, *, streamed: bool) -> float:
    """Ask, leave, and wait until the service has noticed."""
    before = len(service.requests)
    body = {"model": "glm-4.6", "messages": HELLO, "stream": streamed}
    with contextlib.closing(sent(Place(stage.port, f"Bearer {stage.key}"), "/v1/chat/completions", body)):
        await until(lambda: len(service.requests) > before, within_s=10)
        await asyncio.sleep(0.1)  # until the first piece has come through
    gone = time.monotonic()
    await until(lambda: service.last.left_at, within_s=5)
    return (service.last.left_at or gone) - gone


async def test_a_client_that_leaves_the_queue(tmp_path: Path) -> None:
    """It is never asked for, and the next in the queue has its turn."""
    with running("zai") as service:
        service.slow(first_s=0.4)
        async with alone(tmp_path, service, concurrency=1) as stage:
            first = asyncio.create_task(stage.chat(user_id="somebody-1"))
            await until(lambda: service.requests, within_s=10)
            body = {"model": "glm-4.6", "messages": HELLO, "user_id": "somebody-2"}
            with contextlib.closing(sent(Place(stage.port, f"Bearer {stage.key}"), "/v1/chat/completions", body)):
                await asyncio.sleep(0.1)
            assert (await stage.chat(user_id="somebody-3")).text == SPOKEN
            await first
        assert [heard.body["user_id"] for heard in service.requests] == ["somebody-1", "somebody-3"]


def windowed(reset: datetime) -> dict[str, Any]:
    """The body of a plan's limit: the time stands in the message, without a zone, and is Beijing's."""
    when = reset.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    return {"error": {"code": "1308", "message": f"Usage limit reached for 5 hours. Your limit will reset at {when}"}}


async def test_a_parked_credential_is_left_alone_until_its_reset(tmp_path: Path) -> None:
    """Through HTTP and in real time: the client is told when, nobody is asked before, and then it works again."""
    reset = datetime.now(BEIJING).replace(microsecond=0) + timedelta(seconds=3)
    with running("zai") as service:
        service.fail_with(429, windowed(reset))
        async with alone(tmp_path, service) as stage:
            for _ in range(3):
                with pytest.raises(RateLimitError) as raised:
                    await stage.chat()
                assert raised.value.code == "insufficient_quota"
                assert raised.value.response.headers["x-should-retry"] == "false"
                assert 0 < int(raised.value.response.headers["retry-after"]) <= 4
            assert len(service.requests) == 1
            await asyncio.sleep(max(0.0, reset.timestamp() + 0.2 - time.time()))
            assert (await stage.chat()).text == SPOKEN
        assert len(service.requests) == 2


async def test_a_parked_credential_on_a_clock_of_our_own() -> None:
    """A reset in five hours: not a second before it, whatever is asked, and at once after it."""
    clock = FakeClock()
    reset = datetime.fromtimestamp(clock.now, BEIJING) + timedelta(hours=5)
    transport = AiohttpTransport()
    with running("zai") as service:
        service.fail_with(429, windowed(reset))
        continuity = Continuity(pools=OwnPools(clock=clock))
        upstream = EngineUpstream(name="it", base_url=service.base_url, profile=shipped("zai"))
        places = continuity.pool("it", KEYS[:1], limit=1)
        engine = UpstreamEngine(upstream, model="glm-4.6", secret=Secret(KEYS[0]), transport=transport, clock=clock)
        (place,) = places.places
        route = Attempts(places.pool, {place: engine}, deployment="it", breaker=continuity.breaker("it"))
        try:
            for hours in (0, 1, 3.99):
                clock.now = reset.timestamp() - 5 * 3600 + hours * 3600
                with pytest.raises(QuotaExhausted):
                    await said(route, call())
            clock.now = reset.timestamp() - 1
            with pytest.raises(QuotaExhausted):
                await said(route, call())
            assert len(service.requests) == 1
            clock.now = reset.timestamp() + 1
            assert await said(route, call())
            assert len(service.requests) == 2
        finally:
            await transport.aclose()


@both
async def test_a1_an_empty_account(tmp_path: Path, streamed: bool) -> None:
    """A1: 1113 is asked once for each credential, never again, and the client is told not to try."""
    with running("zai") as service:
        service.fail_with(429, code="1113", times=None)
        async with alone(tmp_path, service, keys=3) as stage:
            for _ in range(3):
                with pytest.raises(RateLimitError) as raised:
                    await stage.chat(streamed=streamed)
                assert (raised.value.code, raised.value.type) == ("insufficient_quota", "insufficient_quota")
                assert raised.value.response.headers["x-should-retry"] == "false"
                assert "doctor" in raised.value.message
        assert Counter(heard.credential for heard in service.requests) == dict.fromkeys(KEYS, 1)


@both
async def test_a1_another_credential_has_money(tmp_path: Path, streamed: bool) -> None:
    """A1: the next one answers at once, and the empty one is not asked again."""
    with running("zai") as service:
        service.fail_with(429, code="1113", times=None, key=KEYS[0])
        async with alone(tmp_path, service, keys=2) as stage:
            told = [(await stage.chat(streamed=streamed)).text for _ in range(4)]
        assert told == [SPOKEN] * 4
        assert Counter(heard.credential for heard in service.requests)[KEYS[0]] <= 1


@both
async def test_a1_another_deployment_has_money(tmp_path: Path, streamed: bool) -> None:
    """A1: where no credential is left, the next of the route answers."""
    with running("zai") as poor, running("bigmodel") as rich:
        poor.fail_with(429, code="1113", times=None)
        upstreams = (Upstream(service=poor, name="poor"), Upstream(service=rich, name="rich"))
        tables = models("glm-4.6", upstreams=("poor", "rich"))
        async with staged(tmp_path, *upstreams, tables=tables) as stage:
            assert (await stage.chat(streamed=streamed)).text == SPOKEN
            assert (await stage.chat(streamed=streamed)).text == SPOKEN
        assert (len(poor.requests), len(rich.requests)) == (1, 2)


@both
async def test_a1_a_rate_limit_that_passes(tmp_path: Path, streamed: bool) -> None:
    """A1: 1302 is waited for, and Retry-After is obeyed."""
    with running("zai") as service:
        service.fail_with(429, code="1302", headers={"Retry-After": "1"})
        async with alone(tmp_path, service) as stage:
            began = time.monotonic()
            assert (await stage.chat(streamed=streamed)).text == SPOKEN
        first, second = service.requests
        assert second.at - first.at >= 1
        assert time.monotonic() - began < 10


async def test_a1_a_rate_limit_that_stays(tmp_path: Path) -> None:
    """A1: in the end 429 with OpenAI's word, and when to come again."""
    with running("zai") as service:
        service.fail_with(429, code="1302", times=None)
        async with alone(tmp_path, service) as stage:
            with pytest.raises(RateLimitError) as raised:
                await stage.chat()
        assert raised.value.code == "rate_limit_exceeded"
        assert int(raised.value.response.headers["retry-after"]) >= 1
        assert 1 < len(service.requests) <= 8


@pytest.mark.parametrize(
    ("status", "code", "seen", "word", "asked"),
    [
        (400, "1210", 400, "invalid_value", 1),
        (400, "1213", 400, "missing_required_parameter", 1),
        (400, "1214", 400, "unsupported_value", 1),
        (400, "1211", 404, "model_not_found", 1),
        (400, "1231", 409, "conflict", 1),
        (400, "1261", 400, "context_length_exceeded", 1),
        (400, "1300", 400, "content_filter", 1),
        (400, "1301", 400, "content_filter", 1),
        (401, "1002", 502, "upstream_credential_refused", 1),
        (404, "1221", 410, "model_retired", 1),
        (429, "1309", 429, "insufficient_quota", 1),
        (429, "1311", 429, "insufficient_quota", 1),
        (429, "1313", 429, "insufficient_quota", 1),
    ],
)
async def test_codes(tmp_path: Path, status: int, code: str, seen: int, word: str, asked: int) -> None:
    """Contract 3.5: what each number becomes for OpenAI's clients; none of these is tried again."""
    with running("zai") as service:
        service.fail_with(status, code=code, times=None)
        async with alone(tmp_path, service) as stage:
            with pytest.raises(APIStatusError) as raised:
                await stage.chat()
        assert raised.value.status_code == seen
        assert len(service.requests) == asked
        if word not in {"invalid_value", "missing_required_parameter", "unsupported_value"}:
            assert raised.value.code == word


@pytest.mark.parametrize("code", ["500", "1200", "1230", "1234"])
async def test_codes_that_are_tried_again(tmp_path: Path, code: str) -> None:
    """Contract 3.5: broken once, whole the second time."""
    with running("zai") as service:
        service.fail_with(500, code=code)
        async with alone(tmp_path, service) as stage:
            assert (await stage.chat()).text == SPOKEN
        assert len(service.requests) == 2


async def test_vectors_are_tried_again_and_elsewhere(tmp_path: Path) -> None:
    """Embeddings go the same way as chats: another attempt, then the next of the route."""
    with running("zai") as broken, running("bigmodel") as whole:
        upstreams = (Upstream(service=broken, name="broken"), Upstream(service=whole, name="whole"))
        tables = models("embedding-3", upstreams=("broken", "whole"))
        async with staged(tmp_path, *upstreams, tables=tables) as stage:
            embeddings = stage.client().embeddings
            broken.fail_with(500, code="1234")
            assert len((await embeddings.create(model="embedding-3", input="a")).data[0].embedding) == 2048
            assert (len(broken.requests), len(whole.requests)) == (2, 0)
            broken.fail_with(429, code="1113", times=None)
            assert len((await embeddings.create(model="embedding-3", input="b")).data[0].embedding) == 2048
            assert (len(broken.requests), len(whole.requests)) == (3, 1)


@both
async def test_overload_goes_to_the_next(tmp_path: Path, streamed: bool) -> None:
    """1305 lasts minutes, so the next of the route is asked at once."""
    with running("zai") as full, running("bigmodel") as free:
        full.fail_with(429, code="1305", times=None)
        upstreams = (Upstream(service=full, name="full"), Upstream(service=free, name="free"))
        async with staged(tmp_path, *upstreams, tables=models("glm-4.6", upstreams=("full", "free"))) as stage:
            assert (await stage.chat(streamed=streamed)).text == SPOKEN
        assert (len(full.requests), len(free.requests)) == (1, 1)


_LEAK: Mapping[str, Any] = MappingProxyType({"error": {"code": "1234", "message": f"Bearer {KEYS[0]} is not welcome"}})


@pytest.mark.parametrize(("status", "streamed"), [(400, True), (401, False), (429, False), (500, True)])
async def test_secrets_do_not_leak(
    tmp_path: Path, status: int, streamed: bool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A service may repeat the credential in its error; nobody sees it."""
    with running("zai") as service:
        service.fail_with(status, dict(_LEAK), times=None)
        async with alone(tmp_path, service) as stage:
            body = {"model": "glm-4.6", "messages": HELLO, "stream": streamed}
            reply = await stage.post("/v1/chat/completions", body)
        assert reply.status >= 400
        shown = reply.body.decode() + str(dict(reply.headers)) + caplog.text + "".join(capfd.readouterr())
        assert "secretA" not in shown


@pytest.mark.parametrize(
    ("status", "code", "seen"),
    [
        (400, "1210", 400),
        (400, "1214", 400),
        (400, "1211", 404),
        (400, "1301", 400),
        (429, "1113", 429),
        (429, "1308", 429),
        (429, "1302", 429),
    ],
)
async def test_codes_on_glms_own_surface(tmp_path: Path, status: int, code: str, seen: int) -> None:
    """There the number of the service is the client's, as text."""
    with running("zai") as service:
        service.fail_with(status, code=code, times=None)
        async with alone(tmp_path, service) as stage:
            reply = await stage.post("/api/paas/v4/chat/completions", {"model": "glm-4.6", "messages": HELLO})
        assert (reply.status, reply.error["code"]) == (seen, code)


@both
async def test_redirects_are_not_followed(tmp_path: Path, streamed: bool) -> None:
    """A credential is for the service in the settings, and for nobody whom that one names."""
    with running("zai") as service, running("zai") as other:
        location = {"Location": f"{other.base_url}/chat/completions"}
        service.fail_with(307, b"", location, times=None)
        async with alone(tmp_path, service) as stage:
            with pytest.raises(APIStatusError) as raised:
                await stage.chat(streamed=streamed)
        assert raised.value.status_code >= 500
        assert other.requests == []


async def test_connections_are_kept(tmp_path: Path) -> None:
    """Ten requests, plain and streamed, on one connection."""
    with running("zai") as service:
        async with alone(tmp_path, service) as stage:
            for place in range(10):
                await stage.chat(streamed=place % 2 == 0)
        assert len(service.requests) == 10
        assert service.connections == 1


async def test_what_goes_along(tmp_path: Path) -> None:
    """Ids and traces go on to the service; the client's credential does not."""
    with running("zai") as service:
        async with alone(tmp_path, service) as stage:
            trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            await stage.chat(headers={"traceparent": trace, "x-session-id": "session-1", "x-request-id": "request-7"})
        headers = service.last.headers
        assert headers["traceparent"].split("-")[1] == trace.split("-")[1]
        assert headers["x-session-id"] == "session-1"
        assert headers["x-request-id"]
        assert service.last.credential == KEYS[0]
