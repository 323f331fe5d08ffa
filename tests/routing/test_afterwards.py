"""Counting afterwards: for a short time, so many at once, and told once whatever happens."""

from __future__ import annotations

import asyncio

import pytest

from glmgate.errors import Unavailable
from glmgate.policy.estimates import NOTHING_COUNTED, Countable, Counted
from glmgate.routing.afterwards import Afterwards, Held
from tests.fakes.tokenizer import FakeTokenizer
from tests.routing.booking import request

BOTH = Countable(prompt=True, answer=True)


def held(*, answers: int = 1) -> Held:
    """A prompt of two letters, and an answer of three."""
    return Held(request("Hi"), answers, ["a", "bc"])


@pytest.mark.parametrize(
    ("can", "counted"),
    [
        (BOTH, Counted(4, 3)),
        (Countable(prompt=True, answer=False), Counted(4, None)),
        (Countable(prompt=False, answer=True), Counted(None, 3)),
    ],
)
async def test_what_can_be_counted_is_counted(can: Countable, counted: Counted) -> None:
    """The prompt is read for each of the answers."""
    told: list[Counted] = []
    afterwards = Afterwards(FakeTokenizer())
    assert afterwards.later("m", held(answers=2), can, told.append)
    assert told == []
    await afterwards.aclose()
    assert told == [counted]


async def test_where_nothing_can_be_counted_nobody_is_asked() -> None:
    """The caller goes on at once."""
    tokenizer, told = FakeTokenizer(), list[Counted]()
    afterwards = Afterwards(tokenizer)
    assert not afterwards.later("m", held(), Countable(prompt=False, answer=False), told.append)
    await afterwards.aclose()
    assert (told, tokenizer.models) == ([], [])


async def test_without_a_tokenizer_no_model_is_known() -> None:
    """Nothing is held."""
    assert not Afterwards().knows("m")
    assert Afterwards(FakeTokenizer()).knows("m")


async def test_what_takes_too_long_is_not_waited_for() -> None:
    """What was counted till then stays."""
    told: list[Counted] = []
    afterwards = Afterwards(FakeTokenizer(gate=asyncio.Event()), within_s=0.01)
    afterwards.later("m", held(), BOTH, told.append)
    await afterwards.aclose()
    assert told == [Counted(None, 3)]


async def test_a_tokenizer_that_fails_is_nobody_s_trouble() -> None:
    """The ratio has to do."""
    told: list[Counted] = []
    afterwards = Afterwards(FakeTokenizer(error=Unavailable("It does not run.")))
    afterwards.later("m", held(), Countable(prompt=True, answer=False), told.append)
    await afterwards.aclose()
    assert told == [NOTHING_COUNTED]


async def test_a_loop_that_ends_settles_what_is_open() -> None:
    """A cancelled task tells, too."""
    told: list[Counted] = []
    afterwards = Afterwards(FakeTokenizer(gate=asyncio.Event()))
    afterwards.later("m", held(), Countable(prompt=True, answer=False), told.append)
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await afterwards.aclose()
    assert told == [NOTHING_COUNTED]


async def test_only_so_many_are_counted_at_a_time() -> None:
    """The others go by the ratio at once, and a place that is free is used again."""
    gate, told = asyncio.Event(), list[Counted]()
    afterwards = Afterwards(FakeTokenizer(gate=gate), most=2)
    assert [afterwards.later("m", held(), BOTH, told.append) for _ in range(3)] == [True, True, False]
    gate.set()
    await afterwards_idle(told, 2)
    assert afterwards.later("m", held(), BOTH, told.append)
    await afterwards.aclose()
    assert told == [Counted(2, 3)] * 3


async def test_after_the_end_nothing_is_begun() -> None:
    """Nor are texts held for it."""
    afterwards = Afterwards(FakeTokenizer())
    await afterwards.aclose()
    assert not afterwards.knows("m")
    assert not afterwards.later("m", held(), BOTH, print)


async def afterwards_idle(told: list[Counted], many: int) -> None:
    """Wait until so many were told."""
    async with asyncio.timeout(10):
        while len(told) < many:  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0)
    await asyncio.sleep(0)
