"""Requests of each kind, and what an engine answers to them in one word or number."""

from __future__ import annotations

from glmgate.wire.chat import ChatRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Engine
from glmgate.wire.fold import Fold
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest

MESSAGES = [{"role": "user", "content": "Hello"}]


def chat(**members: object) -> ChatRequest:
    """A chat request."""
    return convert({"model": "m", "messages": MESSAGES} | members, ChatRequest)


async def said(engine: Engine, call: Call, **members: object) -> str | None:
    """The text of the first choice's whole answer."""
    fold = Fold()
    async with engine.stream(call, chat(**members)) as deltas:
        async for read in deltas:
            for delta in read:
                fold.feed(delta)
    return fold.result().choices[0].content


async def embedded(engine: Engine, call: Call) -> str:
    """How many vectors two texts have."""
    vectors = await engine.embed(call, convert({"model": "m", "input": ["a", "b"]}, EmbeddingsRequest))
    return str(len(vectors.vectors))


async def counted(engine: Engine, call: Call) -> str:
    """How many tokens a message has."""
    return str(await engine.count(call, convert({"model": "m", "messages": MESSAGES}, TokenizerRequest)))
