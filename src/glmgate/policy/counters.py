"""Counters: what limits and budgets are counted in. One compare-and-reserve decides; all asks of it or none.

What is counted, under which names and what a refusal means is decided in `limits` and `budgets`. `MemoryCounters` says
how every store behaves; those of `storage` pass the same tests.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

import msgspec
from typing_extensions import override

from glmgate.policy.interfaces import Clock

LEASE_S: Final = 10.0
"""Seconds that a lease holds without being renewed: so long does a killed process keep what it had taken."""
RENEW_S: Final = 3.0
"""Seconds between two renewals: two of them may fail before a lease runs out."""
SLOT_WAIT_S: Final = 1.0
"""When to ask again for a slot: it is free when another request ends, and nobody knows when that is."""

_MS: Final = 1000
_MINUTE_S: Final = 60.0
_MINUTE_MS: Final = 60_000


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """`amount` units of a bucket that holds `limit`, is full at first, and refills evenly in `per_s` seconds.

    It is counted in whole numbers only, so that every store comes to the same result: what was taken is kept as a debt
    in units times `per_s` in milliseconds, of which each millisecond pays back `limit`.
    """

    name: str
    limit: int
    amount: int = 1
    per_s: float = _MINUTE_S

    @property
    def per_ms(self) -> int:
        """The milliseconds in which an empty bucket is full again; what one unit counts for in the debt."""
        return _MINUTE_MS if self.per_s == _MINUTE_S else max(1, round(self.per_s * _MS))


class Slot(msgspec.Struct, frozen=True, gc=False):
    """One of `limit` places, held as a lease: free when it is settled, or `LEASE_S` after its last renewal."""

    name: str
    limit: int


class Spend(msgspec.Struct, frozen=True, gc=False):
    """`amount` of what may be spent until a period's end (Unix seconds); no `limit`: it is counted and never refused.

    With `least`, all that is left is enough if it is at least that: `State.granted` says how much it is.
    `likely` (None: all of it) stays counted if its holder is never heard of again; what is granted beyond is a lease.
    """

    name: str
    amount: int
    until: float
    limit: int | None = None
    least: int | None = None
    likely: int | None = None

    def leased(self, granted: int) -> int:
        """What of a grant is a lease: given back when it runs out."""
        return 0 if self.likely is None or self.likely >= granted else granted - self.likely


Ask = Bucket | Slot | Spend


class State(msgspec.Struct, frozen=True, gc=False):
    """How one ask stands. After a grant `remaining` counts what was `granted` as gone; it may be below zero.

    Where there is no limit it is what was used, below zero: as of a limit of nothing.

    `reset_s` is the time until all of the limit is there again (0 for slots). `wait_s` is 0 where the ask is granted;
    else the time until it may be, and infinite where no waiting helps.
    """

    granted: int
    remaining: int
    reset_s: float = 0.0
    wait_s: float = 0.0


class Taken(msgspec.Struct, frozen=True):
    """Everything that was asked for is reserved; a state for each ask, in their order."""

    states: tuple[State, ...]


class Refused(msgspec.Struct, frozen=True, gc=False):
    """Nothing is reserved, because of the ask at `index`: the first that cannot be granted."""

    index: int
    state: State


class Unloaded(msgspec.Struct, frozen=True, gc=False):
    """Nothing is reserved, because the store has no period counters of these names: `load` them and ask again."""

    names: tuple[str, ...]


Outcome = Taken | Refused | Unloaded


class Change(msgspec.Struct, frozen=True, gc=False):
    """What became of one ask that was granted: `by` is what was really used less what was granted. Slots are freed.

    `held` is what of a spend's lease ends with it.
    """

    ask: Ask
    by: int = 0
    held: int = 0


Lease = tuple[str, str, int]
"""A spend's lease: the period's name, its holder, and how much it is."""


class Counters(Protocol):
    """Counts for all processes that share a store, by the store's clock. Each method may raise Unavailable.

    `waits`: its methods may have to wait for something, so that a task that is cancelled may be stopped within them.
    `outlives`: it keeps what was taken when the process that took it dies, so that leases are needed.
    `forgets`: it may lose its memory while those who count in it live on.
    """

    waits: bool = True
    outlives: bool = True
    forgets: bool = True

    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        """Reserve everything that is asked for, or nothing. Names are unique among `asks`.

        `holder` names who holds leases; a slot that it holds already is not counted again, and what it takes more of a
        period adds to its lease. Leases of others that have run out are taken off the periods that are asked for.
        """
        ...

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        """Give back, or take more than was reserved, end leases as far as said, and free the holder's slots.

        It is never refused, so a bucket's or a period's rest may fall below zero; giving back never brings a bucket
        above its limit, nor a period below nothing. A period counter that is not there any more is left out. What is
        said to end of a lease and is not there, was given back before: it ran out; so it is counted again.
        """
        ...

    async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        """Hold these slots, given as (name, holder), and leases for `LEASE_S` from now on.

        A slot that is gone is not made anew. A lease is, with the amount that is told, which is counted again where
        its period is counted, and when it is loaded; these are the answer. One that is there keeps its amount.
        """
        ...

    async def load(self, used: Mapping[str, tuple[int, float]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        """Begin period counters, given as name: (what was used, until), and renew these leases, in one step.

        One that is there stays as it is; one that begins has also what leases hold of it.
        """
        ...

    async def leased(self, name: str) -> int:
        """What leases hold of a period: most of it will be given back."""
        ...


@dataclass(slots=True)
class _Debt:
    owed: int
    at_ms: int
    limit: int

    def left(self, now_ms: int) -> int:
        """What is owed now. A clock that was set back pays nothing back until it has caught up."""
        passed = now_ms - self.at_ms
        return self.owed if passed <= 0 else max(0, self.owed - self.limit * passed)


@dataclass(slots=True)
class _Period:
    used: int
    until: float


@dataclass(slots=True)
class _Lease:
    amount: int
    until: float


class MemoryCounters(Counters):
    """Counters of this process. Each method is one step: nothing else of the process runs within it."""

    waits = False
    outlives = False
    forgets = False

    def __init__(self, *, lease_s: float = LEASE_S, clock: Clock = time.time) -> None:
        self._lease_s = lease_s
        self._clock = clock
        self._debts: OrderedDict[str, _Debt] = OrderedDict()
        self._slots: dict[str, dict[str, float]] = {}
        self._periods: OrderedDict[str, _Period] = OrderedDict()
        # Of each period by holder, those first that were renewed longest ago.
        self._leases: OrderedDict[str, OrderedDict[str, _Lease]] = OrderedDict()

    def __len__(self) -> int:
        """The number of counters that are kept; those that say nothing any more are dropped little by little."""
        return len(self._debts) + len(self._slots) + len(self._periods) + len(self._leases)

    @override
    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        now = self._clock()
        size = len(self._debts)
        self._run_out(asks, holder, now)
        missing = tuple(ask.name for ask in asks if isinstance(ask, Spend) and ask.name not in self._periods)
        if missing:
            return Unloaded(missing)
        states = []
        for index, ask in enumerate(asks):
            state = self._judge(holder, ask, now)
            if state.wait_s:
                return Refused(index, state)
            states.append(state)
        for ask, state in zip(asks, states, strict=True):
            self._apply(holder, ask, state.granted, now)
        if len(self._debts) > size:
            self._forget(now, 2 * (len(self._debts) - size))
        return Taken(tuple(states))

    @override
    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        now = self._clock()
        for change in changes:
            ask = change.ask
            if isinstance(ask, Slot):
                self._free(ask.name, holder)
            elif isinstance(ask, Spend):
                missing = self._end(ask.name, holder, change.held) if change.held else 0
                self._spend(ask.name, change.by + missing)
            elif change.by:
                self._owe(ask, change.by, int(now * _MS))

    @override
    async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        until = self._clock() + self._lease_s
        for name, holder in slots:
            holders = self._slots.get(name)
            if holders is not None and holder in holders:
                holders[holder] = until
        return [lease for lease in leases if self._lend(*lease, until=until)]

    @override
    async def load(self, used: Mapping[str, tuple[int, float]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        for name, (amount, until) in used.items():
            if name not in self._periods:
                held = sum(lease.amount for lease in self._leases.get(name, {}).values())
                self._periods[name] = _Period(amount + held, until)
        self._forget(self._clock(), 2 * len(used))
        return await self.renew((), leases)

    @override
    async def leased(self, name: str) -> int:
        return sum(lease.amount for lease in self._leases.get(name, {}).values())

    def _judge(self, holder: str, ask: Ask, now: float) -> State:
        if isinstance(ask, Bucket):
            debt = self._debts.get(ask.name)
            return judge_bucket(ask, 0 if debt is None else debt.left(int(now * _MS)))
        if isinstance(ask, Slot):
            return judge_slot(ask, self._others(ask.name, holder, now))
        if isinstance(ask, Spend):
            return judge_spend(ask, self._periods[ask.name].used, now)
        assert_never(ask)

    def _apply(self, holder: str, ask: Ask, amount: int, now: float) -> None:
        if isinstance(ask, Bucket):
            self._owe(ask, amount, int(now * _MS))
        elif isinstance(ask, Slot):
            self._slots.setdefault(ask.name, {})[holder] = now + self._lease_s
        else:
            self._periods[ask.name].used += amount
            if ask.likely is not None and (held := ask.leased(amount)):
                leases = self._leases.setdefault(ask.name, OrderedDict())
                before = leases.pop(holder, None)
                leases[holder] = _Lease(held if before is None else held + before.amount, now + self._lease_s)

    def _spend(self, name: str, by: int) -> None:
        period = self._periods.get(name)
        if period is not None:
            period.used = max(0, period.used + by)

    def _lend(self, name: str, holder: str, amount: int, *, until: float) -> bool:
        """Renew a lease; whether it was gone, and had to be made anew."""
        leases = self._leases.get(name)
        lease = None if leases is None else leases.get(holder)
        if leases is not None and lease is not None:
            lease.until = until
            leases.move_to_end(holder)
            return False
        if amount:
            self._leases.setdefault(name, OrderedDict())[holder] = _Lease(amount, until)
            self._spend(name, amount)
        return True

    def _end(self, name: str, holder: str, held: int) -> int:
        """End so much of a lease; what of it was not there."""
        leases = self._leases.get(name)
        lease = None if leases is None else leases.get(holder)
        if leases is None or lease is None:
            return held
        lease.amount -= held
        if lease.amount <= 0:
            self._drop(name, holder)
        return max(0, -lease.amount)

    def _run_out(self, asks: Sequence[Ask], holder: str, now: float) -> None:
        """Give back what leases of the periods held that nobody renewed; but for `holder`, who lives."""
        if self._leases:
            for ask in asks:
                self._give_back(ask.name, holder, now)

    def _give_back(self, name: str, holder: str, now: float) -> None:
        leases = self._leases.get(name)
        if leases is None or next(iter(leases.values())).until > now:
            return
        for other, lease in list(leases.items()):
            if lease.until > now:
                break
            if other != holder:
                self._spend(name, -lease.amount)
                self._drop(name, other)

    def _drop(self, name: str, holder: str) -> None:
        leases = self._leases[name]
        del leases[holder]
        if not leases:
            del self._leases[name]

    def _owe(self, bucket: Bucket, amount: int, now_ms: int) -> None:
        debt = self._debts.get(bucket.name)
        if debt is None:
            debt = self._debts[bucket.name] = _Debt(0, now_ms, bucket.limit)
        debt.owed = max(0, debt.left(now_ms) + amount * bucket.per_ms)
        debt.at_ms = max(now_ms, debt.at_ms)
        debt.limit = bucket.limit

    def _others(self, name: str, holder: str, now: float) -> int:
        holders = self._slots.get(name)
        if holders is None:
            return 0
        for other in [other for other, until in holders.items() if until <= now]:
            self._free(name, other)
        return len(holders) - (holder in holders)

    def _free(self, name: str, holder: str) -> None:
        holders = self._slots.get(name)
        if holders is None:
            return
        holders.pop(holder, None)
        if not holders:
            del self._slots[name]

    def _forget(self, now: float, most: int) -> None:
        """Look at some counters, each in its turn, and drop debts that are paid and periods that are over.

        Done when some are added, for twice as many: so what is not used any more does not pile up.
        """
        now_ms = int(now * _MS)
        for _ in range(min(most, len(self._debts))):
            name, debt = self._debts.popitem(last=False)
            if debt.left(now_ms):
                self._debts[name] = debt
        for _ in range(min(most, len(self._periods))):
            name, period = self._periods.popitem(last=False)
            if period.until > now:
                self._periods[name] = period
        for _ in range(min(most, len(self._leases))):
            name, leases = self._leases.popitem(last=False)
            if name in self._periods or leases[next(reversed(leases))].until > now:
                self._leases[name] = leases


def judge_bucket(ask: Bucket, owed: int) -> State:
    """How an ask stands at a bucket that owes so much now."""
    if ask.limit <= 0:
        return State(0, 0, math.inf, math.inf)
    full = ask.limit * ask.per_ms
    after = owed + ask.amount * ask.per_ms
    if after <= full:
        return State(ask.amount, (full - after) // ask.per_ms, after / ask.limit / _MS)
    wait_s = math.inf if ask.amount > ask.limit else -((full - after) // ask.limit) / _MS
    return State(0, (full - owed) // ask.per_ms, owed / ask.limit / _MS, wait_s)


def judge_slot(ask: Slot, others: int) -> State:
    """How an ask stands while `others` hold slots of it."""
    if others < ask.limit:
        return State(1, ask.limit - others - 1)
    return State(0, ask.limit - others, wait_s=SLOT_WAIT_S if ask.limit > 0 else math.inf)


def judge_spend(ask: Spend, used: int, now: float) -> State:
    """How an ask stands in a period in which so much is used."""
    reset_s = max(0.0, ask.until - now)
    if ask.limit is None:
        return State(ask.amount, -used - ask.amount, reset_s)
    left = ask.limit - used
    least = ask.amount if ask.least is None else min(ask.least, ask.amount)
    if least <= left:
        granted = min(ask.amount, left)
        return State(granted, left - granted, reset_s)
    # The next period has all of the limit; a refusal has to wait, however near its end is.
    return State(0, left, reset_s, math.inf if least > ask.limit else max(reset_s, 1 / _MS))
