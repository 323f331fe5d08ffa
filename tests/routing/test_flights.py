"""Tests of calls that several readers share: joining, leaving, falling behind, failing, at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmgate.errors import EngineFailed, GlmgateError, Unavailable
from glmgate.policy.cache import size_of
from glmgate.routing.flights import Bill, Errand, Flight
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Attempt, Deltas
from tests.fakes.engine import FakeEngine, Read, call, text

ASKED = ChatRequest(model="m", messages=[])
TEXT = text(*"abcdefgh")


@dataclass(slots=True)
class Flown:
    """A flight of a fake engine, and how often it said that it was over."""

    engine: FakeEngine
    over: int = 0
    flight: Flight = field(init=False)

    @classmethod
    def of(cls, script: list[Read], *, most_bytes: int = 1 << 20) -> Flown:
        """The flight of a script."""
        flown = cls(FakeEngine([script]))
        flown.flight = Flight(
            flown.engine.stream(call(), ASKED), bill=Bill(call()), over=flown.is_over, most_bytes=most_bytes
        )
        return flown

    def is_over(self) -> None:
        """Count."""
        self.over += 1


async def read_all(reader: AbstractAsyncContextManager[Deltas]) -> list[tuple[Delta, ...]]:
    """Every read of one reader."""
    async with reader as deltas:
        return [read async for read in deltas]


async def test_all_readers_get_all_of_one_call() -> None:
    """Three readers, one stream, closed at its end."""
    flown = Flown.of(TEXT)
    assert await asyncio.gather(*(read_all(flown.flight.join(call())) for _ in range(3))) == [TEXT] * 3
    assert (len(flown.engine.requests), flown.engine.open, flown.over) == (1, 0, 1)
    assert not flown.flight.may_be_joined


async def test_who_joins_later_gets_the_beginning_too() -> None:
    """The answer is the same from wherever one joins."""
    wait = asyncio.Event()
    flown = Flown.of([*TEXT[:3], wait, *TEXT[3:]])
    async with flown.flight.join(call()) as first:
        for _ in range(3):
            await anext(first)
        assert flown.flight.may_be_joined
        second = asyncio.create_task(read_all(flown.flight.join(call())))
        await asyncio.sleep(0.01)
        wait.set()
        assert await second == TEXT
        assert [read async for read in first] == TEXT[3:]


async def test_a_call_lives_until_its_last_reader_leaves() -> None:
    """The first that came may go; when nobody is left the stream is closed, before leaving returns."""
    flown = Flown.of([TEXT[0], asyncio.Event()])
    one, two = flown.flight.join(call()), flown.flight.join(call())
    await anext(await one.__aenter__())
    await anext(await two.__aenter__())
    await one.__aexit__(None, None, None)
    assert (flown.engine.open, flown.over) == (1, 0)
    await two.__aexit__(None, None, None)
    assert (flown.engine.open, flown.engine.left, flown.over) == (0, 1, 1)


async def test_a_cancelled_reader_leaves_while_it_waits_for_the_beginning() -> None:
    """Of two that wait for a call to open, one is cancelled: the other gets its answer; both: nothing stays open."""
    never = asyncio.Event()

    class Closed(FakeEngine):
        """An engine that is reached when an event says so."""

        def stream(self, *_: object) -> AbstractAsyncContextManager[Deltas]:
            """Open late."""
            return Late(FakeEngine.stream(self, call(), ASKED))

    class Late(AbstractAsyncContextManager[Deltas]):
        """A stream that takes its time to open."""

        def __init__(self, inner: AbstractAsyncContextManager[Deltas]) -> None:
            self._inner = inner

        async def __aenter__(self) -> Deltas:
            """Wait, then open."""
            await never.wait()
            return await self._inner.__aenter__()

        async def __aexit__(self, *_: object) -> None:
            """Close."""
            await self._inner.__aexit__(None, None, None)

    engine = Closed([TEXT])
    flight = Flight(engine.stream(call(), ASKED), bill=Bill(call()), over=lambda: None)
    one, two = (asyncio.create_task(read_all(flight.join(call()))) for _ in range(2))
    await asyncio.sleep(0.01)
    one.cancel()
    await asyncio.sleep(0.01)
    never.set()
    assert await two == TEXT
    assert one.cancelled()
    assert engine.open == 0


async def test_a_slow_reader_holds_back_nobody() -> None:
    """What it has not read yet is kept for it while it stays within the bound."""
    flown = Flown.of(TEXT)
    async with flown.flight.join(call()) as slow:
        assert await asyncio.wait_for(read_all(flown.flight.join(call())), 5) == TEXT
        assert flown.engine.open == 0
        assert [read async for read in slow] == TEXT


async def test_who_is_too_far_behind_gets_an_error_of_its_own() -> None:
    """The others go on; the one is told what to do."""
    script: list[Read] = [(Delta(content=f"{number}"),) for number in range(200)]
    room = 50 * size_of((Delta(content="100"),))
    flown = Flown.of([*script, *text("end")], most_bytes=room)
    async with flown.flight.join(call()) as slow:
        assert len(await asyncio.wait_for(read_all(flown.flight.join(call())), 5)) == 202
        with pytest.raises(Unavailable, match="'x-glmgate-cache: off'"):
            await anext(slow)


async def test_a_slow_reader_that_is_alone_holds_the_call_back() -> None:
    """Then nothing is gained by running ahead: little is held, nothing is lost."""
    script: list[Read] = [(Delta(content=f"{number}"),) for number in range(300)]
    played = 0

    def counted(_: object) -> list[Read]:
        return Counting(script)

    class Counting(list[Read]):
        """A script that counts how far it was played."""

        def __iter__(self) -> Any:
            nonlocal played
            for read in list.__iter__(self):
                played += 1
                yield read

    engine = FakeEngine([counted])
    flight = Flight(engine.stream(call(), ASKED), bill=Bill(call()), over=lambda: None, most_bytes=3000)
    async with flight.join(call()) as slow:
        seen = []
        for number in range(300):
            await asyncio.sleep(0.001 if number < 20 else 0)
            seen.append(await anext(slow))
            assert played <= number + 20
    assert seen == script


async def test_what_is_held_is_bounded() -> None:
    """A long answer with a reader that does not read: no more than the bound, and nobody new may join it."""
    script: list[Read] = [(Delta(content="x" * 100),) for _ in range(500)]
    flown = Flown.of(script, most_bytes=20_000)
    async with flown.flight.join(call()), flown.flight.join(call()) as quick:
        async for _ in quick:
            assert sum(size_of(read) for read in flown.flight._reads) <= 20_000 + 20 * size_of(
                (Delta(content="x" * 100),)
            )
        assert not flown.flight.may_be_joined


@pytest.mark.parametrize("after", [0, 3])
async def test_an_error_reaches_all_readers(after: int) -> None:
    """Each gets what came before it, and then an error of its own to change as it likes."""
    flown = Flown.of([*TEXT[:after], EngineFailed("broke", retry_after_s=7)])

    async def until_it_fails() -> tuple[int, GlmgateError]:
        seen = 0
        try:
            async with flown.flight.join(call()) as deltas:
                async for _ in deltas:
                    seen += 1
        except EngineFailed as error:
            return seen, error
        raise AssertionError

    ended = await asyncio.gather(*(until_it_fails() for _ in range(3)))
    assert [(seen, error.message, error.retry_after_s) for seen, error in ended] == [(after, "broke", 7)] * 3
    assert len({id(error) for _, error in ended}) == 3
    assert flown.over == 1


async def test_a_call_that_cannot_be_opened_is_told_on_entering() -> None:
    """Before the first delta a failure has a status of its own."""
    flown = Flown.of(TEXT)
    flown.engine.refusal = Unavailable("loading")
    for ending in await asyncio.gather(
        *(read_all(flown.flight.join(call())) for _ in range(2)), return_exceptions=True
    ):
        assert isinstance(ending, Unavailable)


MOVES = st.lists(st.tuples(st.sampled_from(["join", "read", "leave", "wait"]), st.integers(0, 4)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 30), st.none() | st.integers(0, 30), MOVES, st.sampled_from([1 << 20, 5000]))
async def test_readers_get_the_same_deltas_or_an_error(
    length: int, fails_at: int | None, moves: list[tuple[str, int]], most_bytes: int
) -> None:
    """Joining, reading, pausing and leaving in any order: a reader sees a beginning of the one answer, never a mixture.

    Who stays sees all of it and its end, or the error that ended it, or that it has fallen behind; nothing stays open.
    """
    answer: list[tuple[Delta, ...]] = [(Delta(content=str(number)),) for number in range(length)]
    script: list[Read] = list(answer)
    if fails_at is not None:
        script.insert(min(fails_at, length), EngineFailed("broke"))
    flown = Flown.of(script, most_bytes=most_bytes)
    readers: list[_Held] = []
    for move, number in moves:
        if move == "join" and (flown.flight.may_be_joined and flown.over == 0):
            readers.append(_Held(flown.flight.join(call())))
        elif move == "wait":
            await asyncio.sleep(0)
        elif readers and move == "read":
            await readers[number % len(readers)].read()
        elif readers:
            await readers[number % len(readers)].leave()
    for reader in readers:
        while not reader.is_over:
            await reader.read()
        await reader.leave()
    expected = answer if fails_at is None else answer[:fails_at]
    for reader in readers:
        assert reader.seen == answer[: len(reader.seen)]
        if reader.ended == "end":
            assert reader.seen == answer == expected
        if reader.ended == "failed":
            assert reader.seen == expected
            assert fails_at is not None
        if reader.ended == "behind":
            assert most_bytes == 5000
    assert flown.engine.open == 0
    assert len(flown.engine.requests) <= 1


class _Held:
    """A reader that is moved step by step."""

    def __init__(self, reader: AbstractAsyncContextManager[Deltas]) -> None:
        self._reader = reader
        self._deltas: Deltas | None = None
        self.seen: list[tuple[Delta, ...]] = []
        self.ended: str | None = None
        self._has_left = False

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to read."""
        return self.ended is not None or self._has_left

    async def read(self) -> None:
        """One step: entering is one too."""
        if self.is_over:
            return
        try:
            if self._deltas is None:
                self._deltas = await asyncio.wait_for(self._reader.__aenter__(), 5)
                return
            self.seen.append(await asyncio.wait_for(anext(self._deltas), 5))
        except StopAsyncIteration:
            self.ended = "end"
        except EngineFailed:
            self.ended = "failed"
        except Unavailable:
            self.ended = "behind"

    async def leave(self) -> None:
        """Read no more."""
        self._has_left = True
        await self._reader.__aexit__(None, None, None)


async def counted(calls: list[str], name: str, wait: asyncio.Event) -> str:
    """Work that says when it began and how it ended."""
    calls.append(f"{name} began")
    try:
        await wait.wait()
    except asyncio.CancelledError:
        calls.append(f"{name} was cancelled")
        raise
    return name


async def test_an_errand_is_run_once_for_all() -> None:
    """All who wait get what it brought."""
    calls: list[str] = []
    wait = asyncio.Event()
    ended: list[int] = []
    errand = Errand(counted(calls, "a", wait), bill=Bill(call()), over=lambda: ended.append(1))
    waiting = [asyncio.create_task(errand.result(call())) for _ in range(3)]
    await asyncio.sleep(0.01)
    wait.set()
    assert await asyncio.gather(*waiting) == ["a"] * 3
    assert calls == ["a began"]
    await asyncio.sleep(0)
    assert ended


async def test_an_errand_lives_until_nobody_waits() -> None:
    """One of two may go; with the last one it is cancelled at once."""
    calls: list[str] = []
    errand = Errand(counted(calls, "a", asyncio.Event()), bill=Bill(call()), over=lambda: None)
    one, two = (asyncio.create_task(errand.result(call())) for _ in range(2))
    await asyncio.sleep(0.01)
    one.cancel()
    await asyncio.sleep(0.01)
    assert calls == ["a began"]
    two.cancel()
    await asyncio.wait((one, two))
    assert calls == ["a began", "a was cancelled"]


async def test_an_errands_error_reaches_all() -> None:
    """Each gets one of its own."""

    async def fail() -> None:
        await asyncio.sleep(0)
        raise EngineFailed("broke")

    work: Coroutine[Any, Any, None] = fail()
    errand = Errand(work, bill=Bill(call()), over=lambda: None)
    errors = await asyncio.gather(errand.result(call()), errand.result(call()), return_exceptions=True)
    assert [str(error) for error in errors] == ["broke"] * 2
    assert errors[0] is not errors[1]


ATTEMPT = Attempt("d", 0, "ok", 0.1)


@pytest.mark.parametrize(
    ("leaving", "payer"),
    [("attempt 0 1 2", 0), ("attempt 2 1 0", 0), ("0 attempt 1 2", 1), ("0 1 attempt 2", 2), ("1 attempt 2 0", 0)],
)
def test_what_a_shared_call_took_stands_with_the_first_that_is_left(leaving: str, payer: int) -> None:
    """Once, whoever leaves before and after it is known."""
    calls = [call(), call(), call()]
    bill = Bill(calls[0])
    for each in calls:
        bill.enter(each)
    for step in leaving.split():
        if step == "attempt":
            bill.call.attempts.append(ATTEMPT)
        else:
            bill.leave(calls[int(step)])
    assert [each.attempts for each in calls] == [[ATTEMPT] if place == payer else [] for place in range(3)]
