"""Deltas that wait for a judgement."""

from __future__ import annotations

import pytest

from glmgate.errors import Unavailable
from glmgate.gateway.judging import Judged
from glmgate.policy.filters.chain import HookFilter
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.moderation import Passage
from tests.fakes.moderator import FakeModerator


def judged(*, every: int = 0, bad: str = "bad") -> tuple[Judged, list[str]]:
    """A judge of texts, and what it was asked."""
    asked: list[str] = []

    async def ask(_: HookFilter, passages: tuple[Passage, ...]) -> bool:
        asked.extend(f"{each.place} {each.text}" for each in passages)
        return any(bad in each.text for each in passages)

    return Judged(HookFilter(name="hook", hook=FakeModerator(), every=every), ask), asked


async def test_everything_of_a_choice_waits_for_its_end() -> None:
    """Reasoning, text and calls are judged together, and leave as they came."""
    judge, asked = judged()
    deltas = (Delta(reasoning="r"), Delta(content="c"), Delta(tool_calls=(ToolCallDelta(0, "i", "f", "{}"),)))
    assert await judge.feed(deltas, over=False) == ()
    end = Delta(finish_reason="tool_calls")
    assert await judge.feed((end,), over=False) == (*deltas, end)
    assert (asked, await judge.feed((), over=True)) == (["choices[0] rc{}"], ())


async def test_choices_are_judged_by_themselves() -> None:
    """What comes of a refused one later is only its cost."""
    judge, asked = judged()
    await judge.feed((Delta(choice=0, content="bad"), Delta(choice=1, content="good")), over=False)
    ends = (Delta(choice=0, finish_reason="stop", usage=Usage(1, 2)), Delta(choice=1, finish_reason="stop"))
    assert await judge.feed(ends, over=False) == (
        Delta(choice=0, finish_reason="sensitive", usage=Usage(1, 2)),
        Delta(choice=1, content="good"),
        Delta(choice=1, finish_reason="stop"),
    )
    assert judge.refused == {0}
    assert asked == ["choices[0] bad", "choices[1] good"]
    late = (Delta(choice=0, content="more"), Delta(choice=0, usage=Usage(1, 9)))
    assert await judge.feed(late, over=False) == (Delta(choice=0, usage=Usage(1, 9)),)


async def test_an_answer_without_text_is_not_judged() -> None:
    """There is nothing to ask about."""
    judge, asked = judged()
    assert await judge.feed((Delta(finish_reason="stop"),), over=False) == (Delta(finish_reason="stop"),)
    assert asked == []


async def test_what_waits_at_the_end_is_judged() -> None:
    """Also where no finish reason came."""
    judge, _ = judged(every=100)
    assert await judge.feed((Delta(content="half"),), over=True) == (Delta(content="half"),)


async def test_a_judge_who_fails_ends_the_answer() -> None:
    """Nothing of what waited leaves."""

    async def ask(_: HookFilter, __: tuple[Passage, ...]) -> bool:
        raise Unavailable("away")

    judge = Judged(HookFilter(name="hook", hook=FakeModerator()), ask)
    with pytest.raises(Unavailable):
        await judge.feed((Delta(content="x", finish_reason="stop"),), over=False)
