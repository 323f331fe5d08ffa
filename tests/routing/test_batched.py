"""Embeddings of more texts than a service takes at once (contract row E3)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import EngineFailed, Unavailable
from glmgate.routing.batched import in_batches
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call
from tests.fakes.engine import call


@dataclass(slots=True)
class Embedder:
    """A text's vector is its number; the first batches take the longest. `fails` and `loses` name a text."""

    fails: str = ""
    loses: str = ""
    batches: list[list[str]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    cancelled: int = 0

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed after a while."""
        texts = [str(text) for text in ([request.input] if isinstance(request.input, str) else request.input)]
        self.batches.append(texts)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            for _ in range(20 - min(len(self.batches), 19)):
                await asyncio.sleep(0)
            if self.fails in texts:
                raise Unavailable("busy")
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.open -= 1
        vectors = tuple((float(text),) for text in texts if text != self.loses)
        return Embeddings(vectors=vectors, prompt_tokens=2 * len(texts))


def texts(count: int) -> EmbeddingsRequest:
    """So many texts."""
    return EmbeddingsRequest(model="m", input=[str(number) for number in range(count)])


@given(st.integers(1, 40), st.integers(0, 12))
def test_row_e3_any_number_comes_back_in_order(count: int, at_once: int) -> None:
    """Contract row E3: each once, in its place, in batches of the most there can be, with the sum of the tokens."""
    engine = Embedder()
    embeddings = asyncio.run(in_batches(engine, call(), texts(count), at_once=at_once))
    assert embeddings.vectors == tuple((float(number),) for number in range(count))
    assert embeddings.prompt_tokens == 2 * count
    assert all(len(batch) <= (at_once or count) for batch in engine.batches)
    assert len(engine.batches) == (-(-count // at_once) if at_once else 1)


async def test_row_e3_only_some_run_at_a_time() -> None:
    """Contract row E3: each takes a slot, which others want too."""
    engine = Embedder()
    await in_batches(engine, call(), texts(40), at_once=2)
    assert 1 < engine.most_open <= 4


async def test_one_text_is_one_call() -> None:
    """Also when it is no list."""
    engine = Embedder()
    assert (await in_batches(engine, call(), EmbeddingsRequest(model="m", input="7"), at_once=1)).vectors == ((7.0,),)


async def test_a_failure_ends_all_of_them() -> None:
    """It is raised as it is, and nothing goes on behind it."""
    engine = Embedder(fails="3")
    with pytest.raises(Unavailable):
        await in_batches(engine, call(), texts(40), at_once=2)
    assert engine.open == 0
    assert len(engine.batches) < 20


async def test_whoever_leaves_cancels_them() -> None:
    """A client that has gone costs nothing more."""
    engine = Embedder()
    task = asyncio.create_task(in_batches(engine, call(), texts(40), at_once=2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (engine.open, engine.cancelled) == (0, 4)


@pytest.mark.parametrize("at_once", [0, 2])
async def test_a_missing_vector_is_a_failure(at_once: int) -> None:
    """All behind it would be in the wrong place."""
    with pytest.raises(EngineFailed, match="vectors"):
        await in_batches(Embedder(loses="2"), call(), texts(5), at_once=at_once)
