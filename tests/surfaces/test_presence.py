"""Noticing that the client has gone."""

from __future__ import annotations

import asyncio

import pytest

from glmgate.surfaces.asgi import Message
from glmgate.surfaces.presence import ClientGone, while_connected


async def _stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_block_of_a_client_that_stays_runs_to_its_end() -> None:
    """Nothing is stopped, and the watch ends with the block."""
    before = asyncio.all_tasks()
    async with while_connected(_stays):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_block_is_stopped_when_the_client_goes() -> None:
    """What the block waits for is cancelled at once, and the reason is told."""

    async def leaves() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    stopped: list[str] = []

    async def work() -> None:
        async with while_connected(leaves):
            try:
                await asyncio.sleep(60)
            finally:
                stopped.append("work")

    with pytest.raises(ClientGone):
        await work()
    assert stopped == ["work"]
    await asyncio.sleep(0)  # the task itself is not left cancelled


async def test_what_comes_after_the_body_is_no_leaving() -> None:
    """Servers may hand over empty pieces after the body."""
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await _stays()

    async with while_connected(receive):
        await asyncio.sleep(0.01)


async def test_cancelling_from_outside_stays_a_cancelling() -> None:
    """A server that stops is not a client that left."""
    entered = asyncio.Event()

    async def work() -> None:
        async with while_connected(_stays):
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_counts_more_than_leaving() -> None:
    """When both happen at once, whoever cancelled still gets the task to end."""
    entered, left = asyncio.Event(), asyncio.Event()

    async def leaves() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def work() -> None:
        async with while_connected(leaves):
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    await asyncio.sleep(0)
    left.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_error_of_the_block_goes_through() -> None:
    """The watch hides no failure."""
    with pytest.raises(ZeroDivisionError):
        async with while_connected(_stays):
            raise ZeroDivisionError
