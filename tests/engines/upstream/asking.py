"""Asking an upstream's engine in tests: an engine in front of a loopback service, requests, answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream.engine import UpstreamEngine
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Timeouts
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Call, Caller, Engine, Generation
from glmgate.wire.fold import Completion, Fold
from glmgate.wire.members import convert
from tests.engines.upstream.reading import NOW
from tests.services import KEYS

CALL = Call("req_1", Caller("key_1"), "openai", traceparent="00-aa-bb-01", session_id="session_1")
TIMEOUTS = Timeouts(connect_s=5.0, first_s=10.0, idle_s=10.0, total_s=30.0)


def chat(text: str = "Hello", **members: Any) -> ChatRequest:
    """A chat request."""
    return convert({"model": "public", "messages": [{"role": "user", "content": text}], **members}, ChatRequest)


@asynccontextmanager
async def engine(
    base_url: str,
    *,
    profile: str = "generic",
    model: str = "glm-4.6",
    key: str | None = KEYS[0],
    timeouts: Timeouts = TIMEOUTS,
) -> AsyncIterator[UpstreamEngine]:
    """An engine in front of a service, with a clock that stands still."""
    upstream = Upstream(name="up", base_url=base_url, profile=shipped(profile), timeouts=timeouts)
    transport = AiohttpTransport()
    secret = None if key is None else Secret(key)
    yield UpstreamEngine(upstream, model=model, secret=secret, transport=transport, clock=lambda: NOW)
    await transport.aclose()


async def deltas(asked: Engine, request: Generation) -> list[Delta]:
    """All deltas of an answer."""
    async with asked.stream(CALL, request) as reads:
        return [delta async for read in reads for delta in read]


async def answer(asked: Engine, request: Generation) -> Completion:
    """The whole answer."""
    fold = Fold()
    for delta in await deltas(asked, request):
        fold.feed(delta)
    return fold.result()
