"""The beginning of an answer: everything that fails before the first words fails on entry."""

from __future__ import annotations

import asyncio

import pytest

from glmgate.errors import AnswerTruncated, EngineFailed
from glmgate.routing.beginning import begin
from glmgate.wire.delta import Delta, Usage
from tests.fakes.asked import chat
from tests.fakes.engine import FakeEngine, Read, call
from tests.fakes.time import settled

SILENT: tuple[Delta, ...] = (Delta(usage=Usage(5, 0)),)


async def test_what_was_read_comes_again() -> None:
    """Nothing is lost or in another order, what says nothing included."""
    reads: list[Read] = [SILENT, (Delta(reasoning="Hm"),), (Delta(content="Hi"),), (Delta(finish_reason="stop"),)]
    context = FakeEngine([reads]).stream(call(), chat())
    assert [read async for read in await begin(context)] == reads
    await context.__aexit__(None, None, None)


async def test_a_failure_before_the_first_words_leaves_the_context() -> None:
    """Then it is raised."""
    engine = FakeEngine([[SILENT, EngineFailed("Broken.")]])
    with pytest.raises(EngineFailed, match=r"Broken\."):
        await begin(engine.stream(call(), chat()))
    assert (engine.open, engine.left) == (0, 1)


async def test_an_answer_without_a_word_is_a_failure() -> None:
    """That may be tried again."""
    engine = FakeEngine([[SILENT]])
    with pytest.raises(AnswerTruncated) as caught:
        await begin(engine.stream(call(), chat()))
    assert caught.value.remedy == "retry"


async def test_who_leaves_before_the_first_words_leaves_at_once() -> None:
    """A client that is gone closes the call of the service."""
    engine = FakeEngine([[SILENT, asyncio.Event()]])
    task = asyncio.create_task(begin(engine.stream(call(), chat())))
    await settled()
    assert engine.open == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.open == 0


async def test_what_has_begun_is_not_read_again() -> None:
    """Each layer of routing would otherwise hold every answer back by one read."""
    engine = FakeEngine([[(Delta(content="Hi"),), asyncio.Event()]])

    class Again:
        """A layer that has begun already."""

        async def __aenter__(self) -> object:
            self.inner = engine.stream(call(), chat())
            self.begun = await begin(self.inner)
            return self.begun

        async def __aexit__(self, *_: object) -> None:
            await self.inner.__aexit__(None, None, None)

    layer = Again()
    assert await begin(layer) is layer.begun  # type: ignore[arg-type] # as much of a context as is needed
    await layer.__aexit__()
