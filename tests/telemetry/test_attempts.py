"""Books that others look into."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from glmgate.errors import EngineFailed, QuotaExhausted
from glmgate.telemetry.attempts import Heard, WatchedBooks
from glmgate.wire.charge import ONE_CALL, Units
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import NULL_BOOKS, Call, Caller, Entry, Place

CALL = Call("r-1", Caller("k-1"), "openai")
PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")
REQUEST = ChatRequest(model="glm-4.6", messages=[])


class Ear(Heard):
    """Keeps what it heard."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[int] = []
        self.ends: list[tuple[str, BaseException | None]] = []

    @override
    def said(self, pieces: int) -> None:
        self.pieces.append(pieces)

    @override
    def over(self, how: str, error: BaseException | None) -> None:
        self.ends.append((how, error))


class Watcher:
    """Watches with `ears`, one for each attempt; None where it has no more."""

    def __init__(self, *ears: Ear) -> None:
        self.ears = list(ears)
        self.seen: list[Place] = []

    def attempt(self, call: Call, place: Place, request: Any) -> Ear | None:
        """The next ear."""
        self.seen.append(place)
        return self.ears.pop(0) if self.ears else None


class Refusing:
    """Books that allow nothing."""

    async def reserve(self, call: Call, place: Place, request: Any) -> Entry:
        """Refuse it."""
        raise QuotaExhausted("The budget is spent.")


async def test_every_watcher_hears_what_the_books_hear() -> None:
    """In the order in which it happens."""
    one, two = Ear(), Ear()
    entry = await WatchedBooks(NULL_BOOKS, [Watcher(one), Watcher(two)]).reserve(CALL, PLACE, REQUEST)
    entry.saw((Delta(content="a"), Delta(content="b", usage=Usage(1, 2))))
    entry.saw((Delta(usage=Usage(1, 3)),))
    entry.saw((Delta(finish_reason="length"),))
    entry.ended()
    entry.left()
    for ear in (one, two):
        assert (ear.pieces, ear.ends, ear.usage, ear.reasons) == ([2, 1], [("ok", None)], Usage(1, 3), ["length"])


async def test_who_has_no_ear_costs_nothing() -> None:
    """Then the books' own entry is handed on."""
    watcher = Watcher()
    plain = await NULL_BOOKS.reserve(CALL, PLACE, REQUEST)
    assert await WatchedBooks(NULL_BOOKS, [watcher]).reserve(CALL, PLACE, REQUEST) is plain
    assert watcher.seen == [PLACE]


async def test_what_the_books_refuse_is_no_attempt() -> None:
    """Nobody hears of it."""
    watcher = Watcher(Ear())
    with pytest.raises(QuotaExhausted):
        await WatchedBooks(Refusing(), [watcher]).reserve(CALL, PLACE, REQUEST)
    assert watcher.seen == []


@pytest.mark.parametrize(
    ("error", "how"), [(EngineFailed("broke"), "failed"), (asyncio.CancelledError(), "left"), (GeneratorExit(), "left")]
)
def test_being_cancelled_is_leaving(error: BaseException, how: str) -> None:
    """Every other error is a failure."""
    ear = Ear()
    ear.failed(error)
    assert ear.ends == [(how, error)]


def test_a_reader_that_has_seen_the_end_has_not_left() -> None:
    """It need not wait for what comes after the last words."""
    early, late = Ear(), Ear()
    early.left()
    late.saw((Delta(finish_reason="stop"),))
    late.left()
    assert (early.ends, late.ends) == ([("left", None)], [("ok", None)])


def test_an_answer_without_deltas_is_whole() -> None:
    """Vectors are."""
    ear = Ear()
    ear.whole(Usage(9), Units(calls=1))
    assert (ear.usage, ear.ends, ear.pieces) == (Usage(9), [("ok", None)], [])


@given(st.lists(st.sampled_from(["saw", "whole", "ended", "failed", "left"]), min_size=1, max_size=8))
def test_an_attempt_is_over_once(steps: list[str]) -> None:
    """Whatever comes afterwards is not heard."""
    ear = Ear()
    for step in steps:
        match step:
            case "saw":
                ear.saw((Delta(content="a"),))
            case "whole":
                ear.whole(None, ONE_CALL)
            case "failed":
                ear.failed(EngineFailed("broke"))
            case _:
                getattr(ear, step)()
    ends = [step for step in steps if step != "saw"]
    assert len(ear.ends) == min(1, len(ends))
    before = steps.index(ends[0]) if ends else len(steps)
    assert len(ear.pieces) == before
