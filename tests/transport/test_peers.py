"""What processes ask of each other, and hold of each other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from glmgate.errors import CapacityExceeded, InternalError, Unavailable
from glmgate.transport.peers import Lent, Services
from tests.transport.pairs import pair, until


class Lender:
    """Lends a thing as often as it is allowed to; who comes later waits."""

    def __init__(self, slots: int = 1) -> None:
        self.free = asyncio.Semaphore(slots)
        self.held: list[str] = []
        self.waiting = 0
        self.notes: list[str] = []
        self.told: list[int] = []
        self.services = Services(
            asks={"double": self._double, "refuse": self._refuse, "break": self._break},
            holds={"thing": self._thing},
            tells={"say": self.told.append},
        )

    async def _double(self, number: int) -> int:
        return number * 2

    async def _refuse(self) -> None:
        raise CapacityExceeded("no room", retry_after_s=3)

    async def _break(self) -> None:
        raise ValueError("a secret of ours")

    @asynccontextmanager
    async def _thing(self, name: str) -> AsyncIterator[Lent]:
        self.waiting += 1
        try:
            await self.free.acquire()
        finally:
            self.waiting -= 1
        self.held.append(name)
        try:
            yield Lent(f"{name}!", self.notes.append)
        finally:
            self.held.remove(name)
            self.free.release()


async def test_an_answer_comes_back_to_who_asked() -> None:
    """Also when many ask at once."""
    async with pair(Lender().services) as (_, asker):
        answers = await asyncio.gather(*(asker.ask("double", number) for number in range(50)))
        assert answers == [number * 2 for number in range(50)]


async def test_both_sides_may_ask() -> None:
    """The one that lends has questions, too."""
    async with pair(Lender().services, Lender().services) as (lender, asker):
        assert (await lender.ask("double", 4), await asker.ask("double", 5)) == (8, 10)


async def test_an_error_is_the_same_on_the_other_side() -> None:
    """Its class, its words, and when to come back."""
    async with pair(Lender().services) as (_, asker):
        with pytest.raises(CapacityExceeded, match="no room") as found:
            await asker.ask("refuse")
        assert (found.value.retry_after_s, found.value.remedy) == (3, "next")


async def test_a_fault_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for ever for an answer that does not come."""
    async with pair(Lender().services) as (_, asker):
        with caplog.at_level(logging.ERROR), pytest.raises(InternalError) as found:
            await asker.ask("break")
        with pytest.raises(InternalError):
            await asker.take("unknown")
    assert "secret" not in found.value.message
    assert "a secret of ours" in caplog.text


async def test_what_needs_no_answer_is_said_in_its_turn() -> None:
    """Before what is asked after it."""
    lender = Lender()
    async with pair(lender.services) as (_, asker):
        for number in range(5):
            asker.tell("say", number)
        await asker.ask("double", 1)
    assert lender.told == [0, 1, 2, 3, 4]


async def test_a_thing_is_held_until_it_is_given_back() -> None:
    """And the next one gets it then; a second release takes it from nobody."""
    lender = Lender()
    async with pair(lender.services) as (_, asker):
        first = await asker.take("thing", "one")
        assert (first.value, lender.held) == ("one!", ["one"])
        second = asyncio.create_task(asker.take("thing", "two"))
        await until(lambda: lender.waiting)
        first.note("went well")
        first.release()
        assert (await second).value == "two!"
        first.release()
        await asker.ask("double", 1)
        assert (lender.held, lender.notes) == (["two"], ["went well"])


async def test_a_thing_is_held_while_a_block_runs() -> None:
    """However it is left."""
    lender = Lender()
    async with pair(lender.services) as (_, asker):
        async with asker.hold("thing", "one") as value:
            assert (value, lender.held) == ("one!", ["one"])
        await until(lambda: not lender.held)

        async def broken() -> None:
            async with asker.hold("thing", "two"):
                raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            await broken()
        await until(lambda: not lender.held)


async def test_who_waits_and_leaves_holds_nothing() -> None:
    """Neither the place in the queue nor, if it was granted in that moment, the thing."""
    lender = Lender()
    async with pair(lender.services) as (_, asker):
        first = await asker.take("thing", "one")
        waiting = asyncio.create_task(asker.take("thing", "two"))
        await until(lambda: lender.waiting)
        waiting.cancel()
        await until(lambda: not lender.waiting)
        again = asyncio.create_task(asker.take("thing", "three"))
        await until(lambda: lender.waiting)
        (answer,) = asker._asked.values()
        first.release()
        while not answer.done():  # noqa: ASYNC110 -- not a moment later: it is granted, and nobody has taken it yet
            await asyncio.sleep(0)
        again.cancel()
        await until(lambda: not lender.held)
        assert again.cancelled()


async def test_what_a_process_held_is_free_when_it_is_gone() -> None:
    """And what it waited for is not kept for it: others get all of it at once."""
    lender = Lender()
    async with pair(lender.services) as (ours, asker):
        await asker.take("thing", "one")
        waiting = asyncio.create_task(asker.take("thing", "two"))
        await until(lambda: lender.waiting)
        asker.close()
        await until(ours.lost.is_set)
        await until(lambda: not lender.held and not lender.waiting)
        with pytest.raises(Unavailable):
            await waiting


async def test_nothing_is_to_be_had_of_who_is_gone() -> None:
    """Who asks is told so at once."""
    async with pair(Lender().services) as (ours, asker):
        asked = asyncio.create_task(asker.take("thing", "one"))
        await asked
        late = asyncio.create_task(asker.take("thing", "two"))
        await asyncio.sleep(0.01)
        ours.close()
        with pytest.raises(Unavailable):
            await late
        with pytest.raises(Unavailable):
            await asker.ask("double", 1)
        asker.tell("say", 1)
