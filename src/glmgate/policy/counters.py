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

from typing_extensions import override

from glmgate.policy.interfaces import Clock

LEASE_S: Final = 10.0
"""Seconds that a slot is held without being renewed: so long does a killed process keep it."""
RENEW_S: Final = 3.0
"""Seconds between two renewals: two of them may fail before a lease runs out."""
SLOT_WAIT_S: Final = 1.0
"""When to ask again for a slot: it is free when another request ends, and nobody knows when that is."""

_MS: Final = 1000
# With each request. More than a request that repeats can add, so what is not used any more does not pile up.
_LOOKED_AT: Final = 2


@dataclass(frozen=True, slots=True)
class Bucket:
    """`amount` units of a bucket that holds `limit`, is full at first, and refills evenly in `per_s` seconds.

    It is counted in whole numbers only, so that every store comes to the same result: what was taken is kept as a debt
    in units times `per_s` in milliseconds, of which each millisecond pays back `limit`.
    """

    name: str
    limit: int
    amount: int = 1
    per_s: float = 60.0

    @property
    def per_ms(self) -> int:
        """The milliseconds in which an empty bucket is full again; what one unit counts for in the debt."""
        return max(1, round(self.per_s * _MS))


@dataclass(frozen=True, slots=True)
class Slot:
    """One of `limit` places, held as a lease: free when it is settled, or `LEASE_S` after its last renewal."""

    name: str
    limit: int


@dataclass(frozen=True, slots=True)
class Spend:
    """`amount` of what may be spent until a period's end (Unix seconds); no `limit`: it is counted and never refused.

    With `least`, all that is left is enough if it is at least that: `State.granted` says how much it is.
    """

    name: str
    amount: int
    until: float
    limit: int | None = None
    least: int | None = None


Ask = Bucket | Slot | Spend


@dataclass(frozen=True, slots=True)
class State:
    """How one ask stands. After a grant `remaining` counts what was `granted` as gone; it may be below zero.

    Where there is no limit it is what was used, below zero: as of a limit of nothing.

    `reset_s` is the time until all of the limit is there again (0 for slots). `wait_s` is 0 where the ask is granted;
    else the time until it may be, and infinite where no waiting helps.
    """

    granted: int
    remaining: int
    reset_s: float = 0.0
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Taken:
    """Everything that was asked for is reserved; a state for each ask, in their order."""

    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing is reserved, because of the ask at `index`: the first that cannot be granted."""

    index: int
    state: State


@dataclass(frozen=True, slots=True)
class Unloaded:
    """Nothing is reserved, because the store has no period counters of these names: `load` them and ask again."""

    names: tuple[str, ...]


Outcome = Taken | Refused | Unloaded


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one ask that was granted: `by` is what was really used less what was granted. Slots are freed."""

    ask: Ask
    by: int = 0


class Counters(Protocol):
    """Counts for all processes that share a store, by the store's clock. Each method may raise Unavailable.

    `waits`: its methods may have to wait for something, so that a task that is cancelled may be stopped within them.
    """

    waits: bool = True

    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        """Reserve everything that is asked for, or nothing. Names are unique among `asks`.

        `holder` names who holds slots; a slot that it holds already is not counted again.
        """
        ...

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        """Give back, or take more than was reserved, and free the holder's slots of these names.

        It is never refused, so a bucket's or a period's rest may fall below zero; giving back never brings a bucket
        above its limit, nor a period below nothing. A period counter that is not there any more is left out.
        """
        ...

    async def renew(self, slots: Iterable[tuple[str, str]]) -> None:
        """Hold these slots, given as (name, holder), for `LEASE_S` from now on. One that is gone is not made anew."""
        ...

    async def load(self, used: Mapping[str, tuple[int, float]]) -> None:
        """Begin period counters, given as name: (what was used, until). One that is there stays as it is."""
        ...


@dataclass(slots=True)
class _Debt:
    owed: int
    at_ms: int
    limit: int


@dataclass(slots=True)
class _Period:
    used: int
    until: float


class MemoryCounters(Counters):
    """Counters of this process. Each method is one step: nothing else of the process runs within it."""

    waits = False

    def __init__(self, *, lease_s: float = LEASE_S, clock: Clock = time.time) -> None:
        self._lease_s = lease_s
        self._clock = clock
        self._debts: OrderedDict[str, _Debt] = OrderedDict()
        self._leases: dict[str, dict[str, float]] = {}
        self._periods: OrderedDict[str, _Period] = OrderedDict()

    def __len__(self) -> int:
        """The number of counters that are kept; those that say nothing any more are dropped little by little."""
        return len(self._debts) + len(self._leases) + len(self._periods)

    @override
    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        now = self._clock()
        self._forget(now)
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
        return Taken(tuple(states))

    @override
    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        now = self._clock()
        for change in changes:
            ask = change.ask
            if isinstance(ask, Slot):
                self._free(ask.name, holder)
            elif change.by:
                self._apply(holder, ask, change.by, now)

    @override
    async def renew(self, slots: Iterable[tuple[str, str]]) -> None:
        until = self._clock() + self._lease_s
        for name, holder in slots:
            leases = self._leases.get(name)
            if leases is not None and holder in leases:
                leases[holder] = until

    @override
    async def load(self, used: Mapping[str, tuple[int, float]]) -> None:
        for name, (amount, until) in used.items():
            self._periods.setdefault(name, _Period(amount, until))

    def _judge(self, holder: str, ask: Ask, now: float) -> State:
        if isinstance(ask, Bucket):
            return judge_bucket(ask, self._owed(ask, now))
        if isinstance(ask, Slot):
            return judge_slot(ask, self._others(ask.name, holder, now))
        if isinstance(ask, Spend):
            return judge_spend(ask, self._periods[ask.name].used, now)
        assert_never(ask)

    def _apply(self, holder: str, ask: Ask, amount: int, now: float) -> None:
        if isinstance(ask, Bucket):
            owed = max(0, self._owed(ask, now) + amount * ask.per_ms)
            before = self._debts.get(ask.name)
            at_ms = int(now * _MS)
            self._debts[ask.name] = _Debt(owed, at_ms if before is None else max(at_ms, before.at_ms), ask.limit)
        elif isinstance(ask, Slot):
            self._leases.setdefault(ask.name, {})[holder] = now + self._lease_s
        elif (period := self._periods.get(ask.name)) is not None:
            period.used = max(0, period.used + amount)

    def _owed(self, bucket: Bucket, now: float) -> int:
        debt = self._debts.get(bucket.name)
        if debt is None:
            return 0
        # A clock that was set back pays nothing back until it has caught up.
        return max(0, debt.owed - debt.limit * max(0, int(now * _MS) - debt.at_ms))

    def _others(self, name: str, holder: str, now: float) -> int:
        leases = self._leases.get(name)
        if leases is None:
            return 0
        for other in [other for other, until in leases.items() if until <= now]:
            self._free(name, other)
        return len(leases) - (holder in leases)

    def _free(self, name: str, holder: str) -> None:
        leases = self._leases.get(name)
        if leases is None:
            return
        leases.pop(holder, None)
        if not leases:
            del self._leases[name]

    def _forget(self, now: float) -> None:
        """Look at a few counters, each in its turn, and drop a debt that is paid and a period that is over."""
        now_ms = int(now * _MS)
        for _ in range(min(_LOOKED_AT, len(self._debts))):
            name, debt = self._debts.popitem(last=False)
            if debt.owed > debt.limit * (now_ms - debt.at_ms):
                self._debts[name] = debt
        for _ in range(min(_LOOKED_AT, len(self._periods))):
            name, period = self._periods.popitem(last=False)
            if period.until > now:
                self._periods[name] = period


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
