"""Slots and the queue before them."""

from __future__ import annotations

import asyncio

import pytest

from glmgate.engines.embedded.slots import Slots
from glmgate.errors import CapacityExceeded
from tests.fakes.clock import FakeClock


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def hold(slots: Slots, until: asyncio.Event, order: list[int], number: int) -> None:
    """Hold a slot until told to leave, and note when it came."""
    async with slots.hold():
        order.append(number)
        await until.wait()


async def test_as_many_as_there_are_slots_hold_at_once() -> None:
    """The others wait, in the order of their coming."""
    slots, until, order = Slots(2, 8, clock=FakeClock()), asyncio.Event(), list[int]()
    tasks = [asyncio.create_task(hold(slots, until, order, number)) for number in range(4)]
    await settle()
    assert (order, slots.busy, slots.waiting) == ([0, 1], 2, 2)
    until.set()
    await asyncio.gather(*tasks)
    assert (order, slots.busy, slots.waiting) == ([0, 1, 2, 3], 0, 0)


async def test_one_more_than_the_queue_holds_is_refused() -> None:
    """With a time after which it may try again."""
    slots, until = Slots(1, 1, clock=FakeClock()), asyncio.Event()
    tasks = [asyncio.create_task(hold(slots, until, [], number)) for number in range(2)]
    await settle()
    with pytest.raises(CapacityExceeded) as caught:
        async with slots.hold():
            pass
    assert caught.value.status == 429
    assert caught.value.zai_code == "1302"
    assert caught.value.retry_after_s == 1.0
    until.set()
    await asyncio.gather(*tasks)


async def test_without_a_queue_a_free_slot_is_still_given() -> None:
    """A queue of none refuses only those who would have to wait."""
    slots = Slots(1, 0, clock=FakeClock())
    async with slots.hold():
        with pytest.raises(CapacityExceeded):
            async with slots.hold():
                pass
    async with slots.hold():
        assert slots.busy == 1


async def test_the_time_to_retry_follows_how_long_answers_take() -> None:
    """Two slots and answers of ten seconds: one is free after some five."""
    clock = FakeClock()
    slots = Slots(2, 8, clock=clock)
    for _ in range(3):
        async with slots.hold():
            clock.now += 10
    assert slots.retry_after_s() == 5


async def test_the_time_to_retry_is_bounded() -> None:
    """A model that takes minutes does not send callers away for minutes."""
    clock = FakeClock()
    slots = Slots(1, 8, clock=clock)
    async with slots.hold():
        clock.now += 1000
    assert slots.retry_after_s() == 60


async def test_who_leaves_the_queue_or_a_slot_gives_it_back() -> None:
    """Cancelled while waiting and cancelled while holding: nothing leaks."""
    slots, until = Slots(1, 8, clock=FakeClock()), asyncio.Event()
    holder, waiter = (asyncio.create_task(hold(slots, until, [], number)) for number in range(2))
    await settle()
    for task in (waiter, holder):
        task.cancel()
    await asyncio.wait({waiter, holder})
    assert (slots.busy, slots.waiting) == (0, 0)
    async with asyncio.timeout(1), slots.hold():
        assert slots.busy == 1


async def test_how_long_each_one_waited_is_told() -> None:
    """Not at all where a slot is free; one that leaves the queue has got none."""
    clock, waits, until = FakeClock(), list[float](), asyncio.Event()
    slots = Slots(1, 8, clock=clock, waited=waits.append)
    tasks = [asyncio.create_task(hold(slots, until, [], number)) for number in range(3)]
    await settle()
    tasks[2].cancel()
    clock.advance(2)
    until.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert waits == [0, 2]
