"""The whole chain of a route over real connections: upstream engines against strict loopback services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream.engine import UpstreamEngine
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream
from glmgate.errors import EngineFailed, GlmgateError, InvalidRequest, QuotaExhausted
from glmgate.routing.adapted import Adapted
from glmgate.routing.attempts import Attempts
from glmgate.routing.backoff import Backoff
from glmgate.routing.continuity import Continuity
from glmgate.routing.failover import Candidate, Failover
from glmgate.routing.fanout import Fanout
from glmgate.routing.learning import Learn
from glmgate.routing.retry import Retry
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Timeouts
from glmgate.wire.engine import Caller
from tests.fakes.asked import chat, said
from tests.fakes.engine import call
from tests.services import KEYS, Answer, Break, BreakKind, Service, service

STREAM = {"stream": True}


@dataclass
class Routes:
    """Routes to services, which share slots and breakers."""

    transport: AiohttpTransport
    continuity: Continuity = field(default_factory=Continuity)

    def to(self, *services: Service, limit: int | Learn = 4, keys: Sequence[str] = KEYS[:1]) -> Failover:
        """One after the other, each with these credentials."""
        return Failover([self._candidate(place, one, limit, keys) for place, one in enumerate(services)])

    def _candidate(self, place: int, one: Service, limit: int | Learn, keys: Sequence[str]) -> Candidate:
        profile = shipped("zai")
        upstream = Upstream(
            name=f"up{place}", base_url=one.base_url, profile=profile, timeouts=Timeouts(first_s=30, idle_s=30)
        )
        pool = self.continuity.pool(upstream.name, keys, limit=limit)
        engines = {
            number: UpstreamEngine(upstream, model="glm-4.6", secret=Secret(key), transport=self.transport)
            for number, key in zip(pool.places, keys, strict=True)
        }
        name = f"{upstream.name}/glm-4.6"
        breaker = self.continuity.breaker(name)
        attempts = Attempts(pool.pool, engines, deployment=name, breaker=breaker)
        retry = Retry(attempts, budget=self.continuity.budget(name), backoff=Backoff(base_s=0.02))
        return Candidate(name, f"model-{place}", Fanout(Adapted(retry, profile)), priority=place, breaker=breaker)


@asynccontextmanager
async def routes() -> AsyncIterator[Routes]:
    """With connections that are closed in the end."""
    transport = AiohttpTransport()
    try:
        yield Routes(transport)
    finally:
        await transport.aclose()


@pytest.mark.parametrize("limit", [1, 4, Learn()])
@pytest.mark.parametrize("stream", [False, True])
async def test_twenty_concurrent_calls_against_a_service_that_allows_one(limit: int | Learn, *, stream: bool) -> None:
    """All succeed, whether the limit is known, set too high or learned."""
    async with service("zai") as one, routes() as to:
        one.allow(concurrent=1)
        one.slow(0.02)
        route = to.to(one, limit=limit)
        keys = "a" * 14 + "bbb" + "ccc"
        answers = await asyncio.gather(*(said(route, call(caller=Caller(key_id=key)), stream=stream) for key in keys))
        assert all(answers)
        refused = sum(heard.status == 429 for heard in one.requests)
        assert refused <= 5
        assert sum(each.in_flight for each in to.continuity.state().pools[0].credentials) == 0


async def test_slots_are_given_in_fair_order() -> None:
    """As the service sees it: the key with few requests does not wait behind the one with many."""
    async with service("zai") as one, routes() as to:
        route = to.to(one, limit=1)
        await asyncio.gather(
            *(
                said(route, call(caller=Caller(key_id=key[0])), messages=[{"role": "user", "content": key}])
                for key in ["a1", "a2", "a3", "a4", "b1", "b2"]
            )
        )
        order = [heard.body["messages"][-1]["content"] for heard in one.requests]
        assert order == ["a1", "a2", "b1", "a3", "b2", "a4"]


async def test_an_empty_account_is_passed_by_until_its_reset() -> None:
    """1113 is never retried on its credential (contract row A1, peers section 3)."""
    async with service("zai") as one, routes() as to:
        one.fail_with(429, code="1113", times=None, key=KEYS[0])
        route = to.to(one, keys=KEYS[:2])
        asked = call()
        assert await said(route, asked)
        assert [(row.outcome, row.error_code) for row in asked.attempts] == [
            ("refused", "insufficient_quota"),
            ("ok", None),
        ]
        for _ in range(5):
            await said(route, call())
        assert [heard.credential for heard in one.requests].count(KEYS[0]) == 1


async def test_when_nothing_is_left_the_client_is_told_not_to_try_again() -> None:
    """With 429, insufficient_quota and where to look; nobody is asked any more."""
    async with service("zai") as one, routes() as to:
        one.fail_with(429, code="1113", times=None)
        route = to.to(one, keys=KEYS[:2])
        for asked in (2, 2):
            with pytest.raises(QuotaExhausted, match="glmgate doctor") as caught:
                await said(route, call())
            error = caught.value
            assert (error.status, error.code, error.zai_code, error.retry) == (429, "insufficient_quota", "1113", False)
            assert error.retry_after_s is None
            assert len(one.requests) == asked


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "kind", ["before_headers", "after_headers", "before_delta", "empty_stop", "error_event", "cut"]
)
async def test_what_breaks_before_the_first_words_is_asked_again(kind: BreakKind, *, stream: bool) -> None:
    """The client sees nothing of it; the report of calls does."""
    async with service("zai") as one, routes() as to:
        one.answer_with(Answer(text="Hello"), always=True)
        one.break_stream(kind)
        asked = call()
        assert await said(to.to(one), asked, stream=stream) == "Hello"
        assert [row.outcome for row in asked.attempts] == ["failed_before", "ok"]


@pytest.mark.parametrize(
    "kind",
    ["cut", "within_frame", "within_utf8", "error_event", "error_then_done", "done_without_finish", "ended", "reset"],
)
async def test_what_breaks_after_the_first_words_is_told(kind: BreakKind) -> None:
    """Never a silent success, and nobody else is asked."""
    async with service("zai") as one, service("zai") as other, routes() as to:
        one.break_stream(Break(kind, after=1, pause_s=0.05))
        asked = call()
        with pytest.raises(GlmgateError):
            await said(to.to(one, other), asked, stream=True)
        assert len(one.requests) == 1
        assert other.requests == []
        said_so = kind in {"error_event", "error_then_done"}
        assert [row.outcome for row in asked.attempts] == ["failed_after" if said_so else "truncated"]


async def test_the_next_deployment_answers_for_one_that_is_down() -> None:
    """After its retries; then its breaker opens and it is not asked any more."""
    async with service("zai") as one, service("zai") as other, routes() as to:
        one.fail_with(500, code="1234", times=None)
        route = to.to(one, other)
        for _ in range(10):
            asked = call()
            assert await said(route, asked)
            assert (asked.answered_by, asked.deployment) == ("model-1", "up1/glm-4.6")
        assert len(one.requests) == 5
        assert len(other.requests) == 10
        assert to.continuity.state().breakers == {"up0/glm-4.6": "open", "up1/glm-4.6": "closed"}


async def test_a_refused_request_is_asked_once() -> None:
    """Neither again nor elsewhere."""
    async with service("zai") as one, service("zai") as other, routes() as to:
        one.fail_with(400, code="1210")
        with pytest.raises(InvalidRequest):
            await said(to.to(one, other), call())
        assert (len(one.requests), len(other.requests)) == (1, 0)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_client_that_is_gone_ends_the_call_at_the_service(*, begun: bool) -> None:
    """Within moments, through all layers, before the first words and after them."""
    async with service("zai") as one, routes() as to:
        one.slow(0.0 if begun else 30.0, 30.0)
        route = to.to(one, limit=1)
        reading = asyncio.Event()

        async def read() -> None:
            async with route.stream(call(), chat(stream=True)) as deltas:
                reading.set()
                async for _ in deltas:
                    pass

        task = asyncio.create_task(read())
        if begun:
            await reading.wait()
        while not one.requests:  # noqa: ASYNC110 the service lives in another thread
            await asyncio.sleep(0.01)
        left = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while one.last.left_at is None:
            await asyncio.sleep(0.01)
            assert time.monotonic() - left < 5
        assert one.last.left_at - left < 1  # 100 ms are promised; generous for a busy machine
        assert sum(each.in_flight for each in to.continuity.state().pools[0].credentials) == 0


async def test_a_failure_of_the_first_is_told_when_all_fail() -> None:
    """The makeshift's 400 would hide the cause (peers section 3)."""
    async with service("zai") as one, service("zai") as other, routes() as to:
        one.fail_with(500, code="1234", times=None)
        other.fail_with(400, code="1210", times=None)
        with pytest.raises(EngineFailed) as caught:
            await said(to.to(one, other), call())
        assert caught.value.zai_code == "1234"
