"""Asking an engine in tests: requests from plain members, answers folded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.resident import Running
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.transport.interfaces import Timeouts
from glmgate.wire.chat import ChatRequest
from glmgate.wire.engine import Call, Caller, Engine
from glmgate.wire.fold import Completion, Fold
from glmgate.wire.members import convert

CALL = Call("req_1", Caller("key_1"), "openai")


def chat(text: str = "Hello", **members: Any) -> ChatRequest:
    """A chat request."""
    return convert({"model": "m", "messages": [{"role": "user", "content": text}], **members}, ChatRequest)


def endless(**members: Any) -> ChatRequest:
    """A request whose answer goes on to the end of the context."""
    return chat(ignore_eos=True, **members)


async def answer(engine: Engine, request: ChatRequest) -> Completion:
    """The whole answer."""
    fold = Fold()
    async with engine.stream(CALL, request) as deltas:
        async for some in deltas:
            for delta in some:
                fold.feed(delta)
    return fold.result()


@asynccontextmanager
async def supervised(**settings: Any) -> AsyncIterator[Supervisor]:
    """A supervisor that is closed in the end."""
    supervisor = Supervisor(EmbeddedSettings(**{"threads": 1, "context": 512, "parallel": 2, **settings}))
    try:
        yield supervisor
    finally:
        await supervisor.aclose(grace_s=0)


@asynccontextmanager
async def engine(model: LocalModel, **settings: Any) -> AsyncIterator[tuple[EmbeddedEngine, Supervisor]]:
    """An engine for one model."""
    async with supervised(**settings) as supervisor:
        yield EmbeddedEngine(model, supervisor), supervisor


async def busy_slots(running: Running) -> int:
    """How many slots the child itself says are working."""
    request = running.endpoint.outgoing("/slots", timeouts=Timeouts())
    reply = await running.endpoint.transport.get(request, max_bytes=1 << 24)
    return sum(slot["is_processing"] for slot in msgspec.json.decode(reply.body))


async def prompt_tokens_read(running: Running) -> int:
    """How many tokens of prompts the child says that it has read."""
    request = running.endpoint.outgoing("/metrics", timeouts=Timeouts())
    reply = await running.endpoint.transport.get(request, max_bytes=1 << 20)
    counts = dict(line.rsplit(b" ", 1) for line in reply.body.splitlines() if not line.startswith(b"#"))
    return int(counts[b"llamacpp:prompt_tokens_total"])


async def until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 # what is waited for has no event
            await asyncio.sleep(0.005)
