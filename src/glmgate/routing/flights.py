"""Calls in flight that several readers share: each reader gets all of it, in its own time.

Which requests may share one is decided in `policy.cache`; what is called is handed in.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from typing_extensions import override

from glmgate.errors import EngineFailed, GlmgateError, Unavailable
from glmgate.policy.cache import size_of
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Call, Deltas

T = TypeVar("T")

_READS_AHEAD: Final = 16  # of the quickest reader, whose slowness alone may hold the call back
_MOST_BYTES: Final = 4 * 1024 * 1024  # some 12,000 deltas of one token (`policy.cache.size_of`)


class Bill:
    """What a shared call took: it stands with the first of those who are still there when it is known.

    In the books it stands with who began the call.
    """

    __slots__ = ("_payers", "call")

    def __init__(self, call: Call) -> None:
        self.call = dataclasses.replace(call, attempts=[], charges=[])
        """What the shared call is made with; like the first one's, but for the attempts and charges."""
        self._payers: list[Call] = []

    def enter(self, call: Call) -> None:
        """`call` takes part."""
        self._payers.append(call)

    def leave(self, call: Call) -> None:
        """`call` takes part no more; as the first of those that are left it takes what there is."""
        place = next((place for place, payer in enumerate(self._payers) if payer is call), None)
        if place == 0:
            call.attempts += self.call.attempts
            self.call.attempts.clear()
            call.charges += self.call.charges
            self.call.charges.clear()
        if place is not None:
            del self._payers[place]


class Flight:
    """One call of an engine. It begins when the first reader joins, and lives until the last one leaves.

    What came is held for those who join later and those who read more slowly, in about `most_bytes`; who is further
    behind than that gets an error of its own. Only when all are slow, the call has to wait. `over` is called once, as
    soon as nobody may join any more because the call has ended or nobody is left.
    """

    def __init__(
        self,
        source: AbstractAsyncContextManager[Deltas],
        *,
        bill: Bill,
        over: Callable[[], None],
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._source = source
        self._bill = bill
        self._over = over
        self._most = most_bytes
        self._reads: list[tuple[Delta, ...]] = []
        self._first = 0  # the place of what is held first; smaller ones are gone
        self._size = 0
        self._readers: set[_Reader] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_open = False
        self._has_ended = False
        self._error: Exception | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def may_be_joined(self) -> bool:
        """Whether one more reader would get the whole answer, without being far behind from the start."""
        return not self._has_ended and self._first == 0 and self._size * 2 <= self._most

    def join(self, call: Call) -> AbstractAsyncContextManager[Deltas]:
        """The answer from its beginning. Entering waits until it has begun, and raises why it could not."""
        reader = _Reader(self, call)
        self._readers.add(reader)  # now, not on entering: until then the last one of the others may leave
        self._bill.enter(call)
        return reader

    async def begun(self) -> None:
        """Wait until the call is open. Raises what kept it from opening."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        while not self._is_open and not self._has_ended:
            await self._news.wait()
        if not self._is_open:
            self._raise()

    async def read(self, place: int) -> tuple[Delta, ...]:
        """The read at `place`, as soon as it is there."""
        while place >= self._first + len(self._reads):
            if self._has_ended:
                self._raise()
                raise StopAsyncIteration
            await self._news.wait()
        if place < self._first:
            raise Unavailable(
                f"This answer is shared with other requests, and was read so slowly that it fell {self._most} bytes "
                "behind them. Send the request again, with 'x-glmgate-cache: off' if it is to have a call of its own."
            )
        self._room.set()
        return self._reads[place - self._first]

    async def leave(self, reader: _Reader) -> None:
        """`reader` reads no more. With the last one the call is cancelled, and this returns when it has closed."""
        self._readers.discard(reader)
        self._room.set()
        if not self._readers:
            self._end(None)
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait((self._task,))
        self._bill.leave(reader.call)

    async def _run(self) -> None:
        try:
            async with self._source as deltas:
                self._is_open = True
                self._tell()
                async for read in deltas:
                    await self._take(read)
        except asyncio.CancelledError:
            # Nobody is told where the last reader has left; where somebody else ended the task, those who wait are.
            self._end(EngineFailed("The shared call was cancelled. Send the request again."))
            raise
        except Exception as error:  # noqa: BLE001 -- handed on to every reader, and raised there
            self._end(error)
        else:
            self._end(None)

    async def _take(self, read: tuple[Delta, ...]) -> None:
        self._reads.append(read)
        self._size += size_of(read)
        self._tell()
        while self._first + len(self._reads) - self._quickest() >= _READS_AHEAD:
            self._room.clear()
            await self._room.wait()
        gone = 0
        while self._size > self._most and self._first + gone < self._quickest():
            self._size -= size_of(self._reads[gone])
            gone += 1
        del self._reads[:gone]
        self._first += gone

    def _quickest(self) -> int:
        return max((reader.place for reader in self._readers), default=0)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _raise(self) -> None:
        """Raise what the call failed with: to each reader an error of its own, which its caller may change."""
        if self._error is not None:
            raise _own(self._error) from self._error

    def _end(self, error: Exception | None) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._error = error
            self._over()
            self._tell()


class _Reader(AbstractAsyncContextManager[Deltas]):
    """One reader of a flight."""

    __slots__ = ("_flight", "_left", "call", "place")

    def __init__(self, flight: Flight, call: Call) -> None:
        self.call = call
        self._flight = flight
        self._left = False
        self.place = 0

    @override
    async def __aenter__(self) -> Deltas:
        try:
            await self._flight.begun()
        except BaseException:
            await self._leave()
            raise
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """What the next read of the call brought."""
        if self._left:
            raise StopAsyncIteration
        read = await self._flight.read(self.place)
        self.place += 1
        return read

    async def _leave(self) -> None:
        self._left = True
        await self._flight.leave(self)


class Errand(Generic[T]):
    """One call without deltas, which several may wait for. When the last one stops waiting, it is cancelled."""

    def __init__(self, work: Coroutine[Any, Any, T], *, bill: Bill, over: Callable[[], None]) -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(lambda _: over())
        self._bill = bill
        self._over = over
        self._waiting = 0

    async def result(self, call: Call) -> T:
        """What the call brings, or raises."""
        self._waiting += 1
        self._bill.enter(call)
        try:
            await asyncio.wait((self._task,))  # unlike awaiting the task itself, this can be left
        finally:
            self._waiting -= 1
            if not self._waiting and not self._task.done():
                self._over()
                self._task.cancel()
                await asyncio.wait((self._task,))
            self._bill.leave(call)
        if self._task.cancelled():
            raise EngineFailed("The shared call was cancelled. Send the request again.")
        error = self._task.exception()
        if error is not None:
            raise _own(error) from error
        return self._task.result()


def _own(error: BaseException) -> BaseException:
    """An error of one's own, which its caller may change; what is not ours is a fault, and stays what it is."""
    return copy.copy(error) if isinstance(error, GlmgateError) else error
