"""Time that tests move by hand, for what waits: a clock, a sleep and timers that agree with each other."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


async def settled() -> None:
    """Everything that can go on without time or a wire has gone on, however slow the machine is."""
    for _ in range(50):
        await asyncio.sleep(0)


@dataclass(slots=True)
class _Put:
    action: Callable[[], None] | None

    def cancel(self) -> None:
        """Do nothing when its time comes."""
        self.action = None


@dataclass(slots=True)
class FakeTime:
    """Calling it gives the time in seconds. `slept` holds what was asked of `sleep`."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)
    _put: list[tuple[float, int, _Put]] = field(default_factory=list)
    _number: int = 0

    def __call__(self) -> float:
        """The time."""
        return self.now

    def later(self, seconds: float, action: Callable[[], None]) -> _Put:
        """Do `action` when the time has been moved on by so many seconds."""
        put = _Put(action)
        self._number += 1
        heapq.heappush(self._put, (self.now + seconds, self._number, put))
        return put

    async def sleep(self, seconds: float) -> None:
        """Wait until the time has been moved on."""
        self.slept.append(seconds)
        woken = asyncio.Event()
        put = self.later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            put.cancel()

    async def skip(self, seconds: float) -> None:
        """Sleep without waiting: the time moves on by itself."""
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the time on, and do what falls due on the way, at its own time."""
        end = self.now + seconds
        while self._put and self._put[0][0] <= end:
            due, _, put = heapq.heappop(self._put)
            self.now = max(self.now, due)
            if put.action is not None:
                put.action()
        self.now = end
