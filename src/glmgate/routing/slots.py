"""The credentials of one upstream: slots, the fair queue before them, and what parks them.

What is asked with a slot is not known here. `turns`, `learning` and `parking` decide; here it is done, and waited.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Final, Protocol

from typing_extensions import override

from glmgate.errors import GlmgateError
from glmgate.routing.interfaces import CredentialState, NoSlot, PoolState, SlotLease, SlotPool
from glmgate.routing.learning import Learn, LearnedLimit, Stake
from glmgate.routing.parked import all_parked
from glmgate.routing.parking import Parking
from glmgate.routing.turns import Turns

# The weight of the last duration in the moving mean: the mean follows a change of load within some ten requests.
_WEIGHT: Final = 0.2
_SHORTEST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 60.0


class Timer(Protocol):
    """Something that was put off and can be called off."""

    def cancel(self) -> None:
        """Do not do it after all."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Does something in so many seconds, in the event loop."""


def call_later(seconds: float, action: Callable[[], None]) -> Timer:
    """Do `action` in so many seconds, in the event loop that runs."""
    return asyncio.get_running_loop().call_later(seconds, action)


class _Credential:
    """What is known of one credential. `place` is its number in the pool, for good."""

    __slots__ = ("draining", "fingerprint", "in_flight", "limit", "parking", "place", "served")

    def __init__(self, place: int, fingerprint: str, bounds: Learn) -> None:
        self.place = place
        self.fingerprint = fingerprint
        self.limit = LearnedLimit(bounds)
        self.parking = Parking()
        self.in_flight = 0
        self.draining = False
        self.served = 0  # the number of the last lease: who waits longest for work is the next of equals

    def is_free(self, now: float) -> bool:
        return self.in_flight < self.limit.calls and self.parking.is_ready(now)

    @property
    def load(self) -> tuple[float, int]:
        return self.in_flight / self.limit.calls, self.served


class Lease(SlotLease):
    """A slot of a pool of this process."""

    __slots__ = ("_began", "_held", "_pool", "_stake", "credential")

    def __init__(self, pool: Pool, credential: int, stake: Stake, began: float) -> None:
        self.credential = credential
        self._pool = pool
        self._stake = stake
        self._began = began
        self._held = True

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @override
    def release(self) -> None:
        if self._held:
            self._held = False
            self._pool.released(self.credential, self._began)

    @override
    def went_well(self) -> None:
        self._pool.went_well(self.credential, self._stake)

    @override
    def overloaded(self) -> None:
        self._pool.overloaded(self.credential, self._stake)


@dataclass(eq=False, slots=True)
class _Waiter:
    """One request that waits for a slot until `deadline` (Unix seconds)."""

    key_id: str
    avoid: frozenset[int]
    among: frozenset[int] | None
    deadline: float
    lease: asyncio.Future[Lease]


class Pool(SlotPool):
    """The slots of an upstream's credentials, each with `limit` calls at once.

    `fingerprints` tell credentials apart without holding them; a credential is spoken of by its place in the pool,
    which is never given to another one. At most `queue_limit` requests wait. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        name: str,
        fingerprints: Sequence[str],
        *,
        limit: int | Learn = 4,
        queue_limit: int = 1024,
        clock: Callable[[], float] = time.time,
        later: Later = call_later,
    ) -> None:
        self.name = name
        self._clock = clock
        self._later = later
        self._bounds = Learn.of(limit)
        self._queue_limit = queue_limit
        self._credentials: list[_Credential] = []
        self._turns: Turns[_Waiter] = Turns()
        self._leases = 0
        self._alarm: Timer | None = None
        self._mean_s: float | None = None
        for fingerprint in fingerprints:
            self.add(fingerprint)

    @override
    async def acquire(
        self,
        key_id: str,
        *,
        timeout_s: float,
        avoid: frozenset[int] = frozenset(),
        among: Collection[int] | None = None,
    ) -> Lease:
        now = self._clock()
        allowed = None if among is None else frozenset(among)
        waiter = _Waiter(key_id, avoid, allowed, now + timeout_s, asyncio.get_running_loop().create_future())
        if not len(self._turns) and (free := [one for one in self._allowed(waiter) if one.is_free(now)]):
            return self._lease(free, now)
        if (hopeless := self._hopeless(waiter, now)) is not None:
            raise hopeless
        self._turns.add(key_id, waiter)
        self._serve()
        self._bound(key_id)
        try:
            return await self._granted(waiter, timeout_s)
        except asyncio.CancelledError:
            if not waiter.lease.cancelled() and waiter.lease.exception() is None:
                waiter.lease.result().release()  # granted in the moment in which its request was left
            raise
        finally:
            self._turns.discard(key_id, waiter)

    async def _granted(self, waiter: _Waiter, timeout_s: float) -> Lease:
        if timeout_s <= 0:
            self._expire(waiter)
        timer = self._later(max(0.0, timeout_s), partial(self._expire, waiter))
        try:
            return await waiter.lease
        finally:
            timer.cancel()

    @override
    def park(self, credential: int, until: float | None, *, reason: GlmgateError | None = None) -> None:
        """Give no slot of `credential` before `until` (Unix seconds; None: not known, 5 minutes and growing).

        Requests that cannot go elsewhere are refused now: another deployment may answer them.
        """
        self._credentials[credential].parking.park(until, reason, now=self._clock())
        self._refuse_hopeless()

    @override
    def rest(self, credential: int, seconds: float) -> None:
        self._credentials[credential].parking.rest(self._clock() + seconds)
        self._refuse_hopeless()

    def add(self, fingerprint: str) -> int:
        """Take in another credential, or one that is drained; its place."""
        for known in self._credentials:
            if known.fingerprint == fingerprint:
                known.draining = False
                self._serve()
                return known.place
        place = len(self._credentials)
        self._credentials.append(_Credential(place, fingerprint, self._bounds))
        self._serve()
        return place

    def drain(self, credential: int) -> None:
        """Take `credential` out: what runs on it goes on, and only requests that know no other one still get it."""
        self._credentials[credential].draining = True
        self._refuse_hopeless()

    def reconfigure(self, fingerprints: Sequence[str], *, limit: int | Learn, queue_limit: int) -> tuple[int, ...]:
        """Go on with these credentials and bounds; the place of each. Those that are gone are drained."""
        self._bounds, self._queue_limit = Learn.of(limit), queue_limit
        for known in self._credentials:
            known.limit.rebound(self._bounds)
        places = tuple(self.add(fingerprint) for fingerprint in fingerprints)  # first: who waits may need one of them
        for known in self._credentials:
            if known.place not in places:
                self.drain(known.place)
        return places

    def places(self) -> dict[str, int]:
        """The place of each credential, by its fingerprint."""
        return {known.fingerprint: known.place for known in self._credentials}

    def state(self) -> PoolState:
        """Everything that people want to see of it."""
        now = self._clock()
        return PoolState(
            self.name, len(self._turns), tuple(_state(credential, now) for credential in self._credentials)
        )

    def released(self, credential: int, began: float) -> None:
        """A lease's call is over. For `Lease` only."""
        self._credentials[credential].in_flight -= 1
        duration = max(0.0, self._clock() - began)
        mean_s = duration if self._mean_s is None else self._mean_s
        self._mean_s = mean_s + _WEIGHT * (duration - mean_s)
        self._serve()

    def went_well(self, credential: int, stake: Stake) -> None:
        """A lease's call got its answer. For `Lease` only."""
        known, now = self._credentials[credential], self._clock()
        known.parking.went_well(now=now)
        known.limit.went_well(stake, in_flight=known.in_flight, now=now)
        self._serve()

    def overloaded(self, credential: int, stake: Stake) -> None:
        """A lease's call was refused for the rate. For `Lease` only."""
        self._credentials[credential].limit.overloaded(stake, now=self._clock())

    def _serve(self) -> None:
        """Give every slot that is free to whoever's turn it is, and see to being woken for the others."""
        if not len(self._turns):
            return
        now = self._clock()
        while free := [credential for credential in self._credentials if credential.is_free(now)]:
            if (waiter := self._next(free)) is None:
                break
            waiter.lease.set_result(self._lease(self._fitting(waiter, free), now))
        self._arm(now)

    def _lease(self, free: list[_Credential], now: float) -> Lease:
        """A slot of the least loaded of them, and of equals of the one that was idle longest."""
        chosen = min(free, key=lambda credential: credential.load)
        self._leases += 1
        chosen.served = self._leases
        chosen.in_flight += 1
        return Lease(self, chosen.place, chosen.limit.stake(chosen.in_flight), now)

    def _next(self, free: list[_Credential]) -> _Waiter | None:
        return self._turns.take(lambda waiter: bool(self._fitting(waiter, free)))

    def _fitting(self, waiter: _Waiter, free: list[_Credential]) -> list[_Credential]:
        if waiter.lease.done():  # cancelled, and about to leave its line
            return []
        allowed = self._allowed(waiter)
        return [credential for credential in free if credential in allowed]

    def _allowed(self, waiter: _Waiter) -> list[_Credential]:
        """The credentials that `waiter` may get. One that is drained: only by a request that knows no other.

        Such a request began before a reload, and a reload drops none.
        """
        known = [one for one in self._credentials if waiter.among is None or one.place in waiter.among]
        live = [one for one in known if not one.draining]
        if not live and waiter.among is not None:
            live = known
        return [one for one in live if one.place not in waiter.avoid]

    def _hopeless(self, waiter: _Waiter, now: float) -> GlmgateError | None:
        """Why `waiter` need not wait; None when a slot may come in time."""
        allowed = self._allowed(waiter)
        if not allowed:
            return NoSlot(f"No credential of {self.name!r} is left to ask with.", retry=False)
        usable = [one.parking for one in allowed if not one.parking.is_parked(now)]
        if not usable:
            return all_parked(self.name, [one.parking for one in allowed], now=now, busy=NoSlot)
        soonest = min(parking.resting_until for parking in usable)
        if soonest > waiter.deadline:
            return NoSlot(
                f"{self.name!r} asks to be left alone for {soonest - now:.0f} s. Try again then.",
                retry_after_s=soonest - now,
            )
        return None

    def _refuse_hopeless(self) -> None:
        now = self._clock()
        for waiter in list(self._turns):
            if (error := self._hopeless(waiter, now)) is not None:
                self._refuse(waiter, error)
        self._serve()

    def _refuse(self, waiter: _Waiter, error: GlmgateError) -> None:
        self._turns.discard(waiter.key_id, waiter)
        if not waiter.lease.done():
            waiter.lease.set_exception(error)

    def _bound(self, key_id: str) -> None:
        """Keep the queue within its bound, at the cost of the key that fills it most."""
        if len(self._turns) > self._queue_limit and (waiter := self._turns.newest_of_longest(key_id)) is not None:
            self._refuse(waiter, self._busy(f"{self._queue_limit} requests wait already"))

    def _expire(self, waiter: _Waiter) -> None:
        self._refuse(waiter, self._busy("none came free in time"))

    def _busy(self, why: str) -> NoSlot:
        slots = sum(one.limit.calls for one in self._credentials if not one.draining) or 1
        wait_s = (self._mean_s or 0.0) * (1 + len(self._turns)) / slots
        return NoSlot(
            f"All slots of {self.name!r} are taken, and {why}. Send fewer requests at once, or try again later.",
            retry_after_s=min(_LONGEST_RETRY_S, max(_SHORTEST_RETRY_S, wait_s)),
        )

    def _arm(self, now: float) -> None:
        """See to being woken when a credential that somebody waits for is ready again."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        changes = (one.parking.next_change(now) for one in self._credentials)
        soonest = min((at for at in changes if at is not None), default=None)
        if soonest is not None:
            self._alarm = self._later(soonest - now, self._serve)


def _state(credential: _Credential, now: float) -> CredentialState:
    resting = credential.parking.resting_until
    return CredentialState(
        place=credential.place,
        in_flight=credential.in_flight,
        limit=credential.limit.calls,
        parked_until=credential.parking.until(now),
        resting_until=resting if resting > now else None,
        draining=credential.draining,
    )
