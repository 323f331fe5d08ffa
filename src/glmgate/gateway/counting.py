"""Counting: the counters' store as requests use it. What was taken is given back whatever happens to who took it.

What is asked is decided in `policy`; what a store that is away means, in `admit`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from glmgate.errors import Unavailable
from glmgate.gateway.leases import Lease, Leases
from glmgate.policy.budgets import Account, Past
from glmgate.policy.counters import RENEW_S, Ask, Change, Counters, Outcome, Refused, Slot, Spend, Taken, Unloaded
from glmgate.policy.counters import Lease as Told
from glmgate.telemetry.log import get_logger

T = TypeVar("T")
_ROUNDS: Final = 3
"""How often a period is loaded before it is given up: it may end, or a store may forget, in between."""
_MOST_LATE: Final = 10_000
"""Settlements that are kept for a store that is away; slots end by themselves, and buckets fill."""
_ALL_TOLD_S: Final = RENEW_S + 1
"""Within this time all processes have told a store that lost its memory what their requests hold."""


class PastUnknown(Unavailable):
    """The ledger does not tell what was spent; the counters' store is there."""


class Counting:
    """One store of counters. `reserved` is what this process's requests hold of each period now.

    `leases`: what is taken beyond what is likely has to be a lease.
    """

    def __init__(self, counters: Counters, *, past: Past, all_told_s: float = _ALL_TOLD_S) -> None:
        self.reserved: dict[str, int] = {}
        self.leases = counters.outlives
        self._counters = counters
        self._past = past
        self._all_told_s = all_told_s
        self._leases = Leases()
        self._held: set[tuple[str, str]] = set()
        self._late: deque[tuple[str, tuple[Change, ...]]] = deque(maxlen=_MOST_LATE)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loading = asyncio.Lock()
        self._log = get_logger("glmgate.limits")

    async def take(self, holder: str, asks: Sequence[Ask], accounts: Mapping[str, Account]) -> Taken | Refused:
        """Reserve all or nothing; periods that nobody has counted yet are loaded from what was spent.

        `accounts` are those of the spends, by name. Raises Unavailable, PastUnknown.
        """
        outcome = await self._whole(self._counters.take(holder, asks), holder, asks)
        if isinstance(outcome, Unloaded) and self._counters.forgets:
            outcome = await self._all_told(holder, asks, accounts, outcome.names)
        if isinstance(outcome, Unloaded):
            async with self._loading:
                outcome = await self._loaded(holder, asks, accounts)
        if isinstance(outcome, Taken):
            self._hold(holder, asks, outcome)
        return outcome

    async def settle(self, holder: str, changes: Sequence[Change], reserved: Mapping[str, int]) -> None:
        """Tell the store what became of it, now or, while it is away, later. `reserved` is no longer held."""
        self._release(holder, changes, reserved)
        if not changes:
            return
        if self._counters.waits:
            await asyncio.shield(self._spawn(self._settled(holder, tuple(changes))))
        else:
            await self._settled(holder, tuple(changes))

    def settle_later(self, holder: str, changes: Sequence[Change]) -> None:
        """The same for who cannot wait."""
        self._leases.ended(holder, changes)
        _ = self._spawn(self._settled(holder, tuple(changes)))

    def lease(self, name: str, holder: str) -> Lease | None:
        """What a request holds of a period beyond what is likely; None: nothing."""
        return self._leases.get(name, holder)

    async def under_way(self, name: str) -> int:
        """What requests under way hold of a period, here and, where the store can tell, in other processes."""
        own = self.reserved.get(name, 0)
        if self.leases:
            with suppress(Unavailable):
                return max(own, await self._counters.leased(name))
        return own

    def release(self, reserved: Mapping[str, int]) -> None:
        """So much is no longer held by requests of this process."""
        for name, amount in reserved.items():
            left = self.reserved.get(name, 0) - amount
            if left > 0:
                self.reserved[name] = left
            else:
                self.reserved.pop(name, None)

    async def run(self) -> None:
        """Renew what is held, and tell the store what it has missed, until this is cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Do it once. A store that is away is asked again the next time."""
        with suppress(Unavailable):
            if self._held or self._leases:
                await self._made(await self._counters.renew(tuple(self._held), self._leases.told()))
            while self._late:
                holder, changes = self._late[0]
                await self._counters.settle(holder, changes)
                self._late.popleft()

    async def aclose(self) -> None:
        """Everything that is under way has come to its end."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.refresh()
        if self._late:
            self._log.warning("settlements are lost: the store of the limits is away", settlements=len(self._late))

    async def _loaded(self, holder: str, asks: Sequence[Ask], accounts: Mapping[str, Account]) -> Taken | Refused:
        for _ in range(_ROUNDS):
            outcome = await self._whole(self._counters.take(holder, asks), holder, asks)
            if not isinstance(outcome, Unloaded):
                return outcome
            missing = [accounts[name] for name in outcome.names]
            self._forget(outcome.names)
            try:
                used = {
                    each.name: (await self._past.spent(each.scope, each.unit, each.span), each.span.until)
                    for each in missing
                }
            except Unavailable as error:
                raise PastUnknown(error.message, retry_after_s=error.retry_after_s) from error
            await self._made(await self._counters.load(used, self._leases.told(outcome.names)))
        raise Unavailable("The budgets cannot be counted: their store forgets them. Try again.", retry_after_s=1.0)

    async def _all_told(
        self, holder: str, asks: Sequence[Ask], accounts: Mapping[str, Account], names: Sequence[str]
    ) -> Outcome:
        """Ask again; before a period begins that others have requests in, they are let tell what they hold of it.

        The store may have lost its memory. Of what is under way the ledger has what is likely; much more was granted.
        """
        try:
            others = [await self._past.elsewhere(accounts[name].scope, accounts[name].span) for name in names]
        except Unavailable as error:
            raise PastUnknown(error.message, retry_after_s=error.retry_after_s) from error
        outcome = await self._whole(self._counters.take(holder, asks), holder, asks)
        if isinstance(outcome, Unloaded) and any(others):
            await asyncio.sleep(self._all_told_s)
        return outcome

    async def _made(self, anew: Iterable[Told]) -> None:
        """The store has made leases anew; what was settled meanwhile is settled again."""
        for holder, change in tuple(self._leases.made(anew)):
            await self._settled(holder, (change,))

    async def _whole(self, taking: Coroutine[Any, Any, Outcome], holder: str, asks: Sequence[Ask]) -> Outcome:
        """What a store says. Whoever is cancelled meanwhile has taken nothing in the end."""
        if not self._counters.waits:
            return await taking
        task = self._spawn(taking)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            _ = self._spawn(self._undone(task, holder, asks))
            raise

    async def _undone(self, task: asyncio.Task[Outcome], holder: str, asks: Sequence[Ask]) -> None:
        with suppress(Unavailable):
            outcome = await task
            if isinstance(outcome, Taken):
                changes = (
                    Change(ask, -state.granted, ask.leased(state.granted) if isinstance(ask, Spend) else 0)
                    for ask, state in zip(asks, outcome.states, strict=True)
                )
                await self._settled(holder, tuple(changes))

    async def _settled(self, holder: str, changes: tuple[Change, ...]) -> None:
        try:
            await self._counters.settle(holder, changes)
        except Unavailable:
            self._late.append((holder, changes))

    def _hold(self, holder: str, asks: Sequence[Ask], taken: Taken) -> None:
        for ask, state in zip(asks, taken.states, strict=True):
            if isinstance(ask, Slot):
                self._held.add((ask.name, holder))
            elif isinstance(ask, Spend) and state.granted:
                self.reserved[ask.name] = self.reserved.get(ask.name, 0) + state.granted
        if self.leases:
            self._leases.granted(holder, asks, taken.states)

    def _release(self, holder: str, changes: Sequence[Change], reserved: Mapping[str, int]) -> None:
        for change in changes:
            if isinstance(change.ask, Slot):
                self._held.discard((change.ask.name, holder))
        if self._leases:
            self._leases.ended(holder, changes)
        self.release(reserved)

    def _forget(self, names: Sequence[str]) -> None:
        """What is loaded from the ledger holds what was settled: telling the store once more would count it twice."""
        kept = [
            (holder, tuple(change for change in changes if change.ask.name not in names))
            for holder, changes in self._late
        ]
        self._late.clear()
        self._late.extend(kept)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
