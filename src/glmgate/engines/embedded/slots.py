"""A model's slots and the bounded queue before them.

Counts and waits; what happens in a slot is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from glmgate.errors import CapacityExceeded

# The weight of the last duration in the moving mean: the mean follows a change of load within some ten requests.
_WEIGHT: Final = 0.2
_SHORTEST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 60.0


class Slots:
    """`limit` requests at once, `queue` more that wait in the order of their coming.

    `waited` is told for how long each one did.
    """

    def __init__(
        self,
        limit: int,
        queue: int,
        *,
        clock: Callable[[], float],
        waited: Callable[[float], object] = float,
    ) -> None:
        self.limit = limit
        self._queue = queue
        self._clock = clock
        self._waited = waited
        self._free = asyncio.Semaphore(limit)
        self._mean_s: float | None = None
        self.busy = 0
        self.waiting = 0

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a slot, after waiting for one. Raises CapacityExceeded when too many wait already."""
        if self._free.locked() and self.waiting >= self._queue:
            raise CapacityExceeded(
                f"All {self.limit} slots of the model are busy and {self.waiting} requests wait already. "
                "Send fewer at once, or try again later.",
                retry_after_s=self.retry_after_s(),
            )
        self.waiting += 1
        came = self._clock()
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        self.busy += 1
        began = self._clock()
        self._waited(began - came)
        try:
            yield
        finally:
            self.busy -= 1
            self._free.release()
            self._observe(self._clock() - began)

    def retry_after_s(self) -> float:
        """Seconds until a place in the queue is likely free: the time in which one slot's answer is given."""
        return min(_LONGEST_RETRY_S, max(_SHORTEST_RETRY_S, (self._mean_s or 0.0) / self.limit))

    def _observe(self, duration_s: float) -> None:
        mean_s = duration_s if self._mean_s is None else self._mean_s
        self._mean_s = mean_s + _WEIGHT * (duration_s - mean_s)
