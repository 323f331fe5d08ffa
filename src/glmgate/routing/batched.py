"""Embeddings of more texts than a service takes at once: several calls, one answer (contract row E3).

How many it takes is a profile's matter.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import msgspec

from glmgate.errors import EngineFailed
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call

_CALLS: Final = 4  # at one time, of one request; each takes a slot, and others want theirs


class Embeds(Protocol):
    """What embeds: an Engine, as far as it matters here."""

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input."""
        ...


async def in_batches(engine: Embeds, call: Call, request: EmbeddingsRequest, *, at_once: int) -> Embeddings:
    """The vectors of all inputs in their order, by calls of at most `at_once` (0: all) each; tokens are summed.

    Raises what the first call that fails raises; the others are cancelled. EngineFailed when vectors are missing.
    """
    inputs = request.input
    if not at_once or isinstance(inputs, str) or len(inputs) <= at_once:
        return _whole(await engine.embed(call, request), request)
    batches = [
        msgspec.structs.replace(request, input=inputs[start : start + at_once])
        for start in range(0, len(inputs), at_once)
    ]
    places = asyncio.Semaphore(_CALLS)

    async def embedded(batch: EmbeddingsRequest) -> Embeddings:
        async with places:
            return _whole(await engine.embed(call, batch), batch)

    tasks = [asyncio.ensure_future(embedded(batch)) for batch in batches]
    try:
        answers = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    vectors = tuple(vector for answer in answers for vector in answer.vectors)
    return Embeddings(vectors=vectors, prompt_tokens=sum(answer.prompt_tokens for answer in answers))


def _whole(embeddings: Embeddings, request: EmbeddingsRequest) -> Embeddings:
    """A vector that is missing would put all after it in the wrong place."""
    wanted = 1 if isinstance(request.input, str) else len(request.input)
    if len(embeddings.vectors) != wanted:
        raise EngineFailed(
            f"The model gave {len(embeddings.vectors)} vectors for {wanted} inputs. Send the request again."
        )
    return embeddings
