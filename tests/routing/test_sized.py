"""Names that promise certain sizes of vectors (contract 4.1)."""

from __future__ import annotations

import pytest

from glmgate.errors import InvalidRequest
from glmgate.routing.sized import Dimensions, Sized
from glmgate.wire.chat import ChatRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine, call, text

FIXED = Dimensions(default=1024, allowed=(1024,))
SOME = Dimensions(default=2048, allowed=(256, 2048))
ANY = Dimensions(default=1536)


@pytest.mark.parametrize(
    ("dimensions", "asked", "sent"),
    [(FIXED, None, 1024), (FIXED, 1024, 1024), (SOME, None, 2048), (SOME, 256, 256), (ANY, None, 1536), (ANY, 77, 77)],
)
async def test_the_size_is_the_names_or_the_callers(dimensions: Dimensions, asked: int | None, sent: int) -> None:
    """Where none is asked for, the name says it."""
    engine = FakeEngine()
    await Sized(engine, dimensions).embed(call(), EmbeddingsRequest(model="m", input="a", dimensions=asked))
    assert engine.embedded[0].dimensions == sent


@pytest.mark.parametrize(("dimensions", "asked"), [(FIXED, 512), (SOME, 1024)])
async def test_other_sizes_are_refused(dimensions: Dimensions, asked: int) -> None:
    """The message says which there are."""
    with pytest.raises(InvalidRequest, match="1024" if dimensions is FIXED else "256 or 2048") as raised:
        await Sized(FakeEngine(), dimensions).embed(call(), EmbeddingsRequest(model="m", input="a", dimensions=asked))
    assert raised.value.param == "dimensions"


async def test_the_rest_is_the_engines() -> None:
    """An embedding model that is asked for something else answers as it does."""
    engine = FakeEngine([text("Hi")])
    sized = Sized(engine, ANY)
    async with sized.stream(call(), ChatRequest(model="m", messages=[])) as deltas:
        assert await anext(deltas)
    assert await sized.count(call(), TokenizerRequest(model="m", messages=[])) == 0
