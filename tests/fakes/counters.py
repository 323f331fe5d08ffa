"""A store of counters that tests can take away, or let wait, and who is told what limits do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from glmgate.errors import Unavailable
from glmgate.policy.budgets import Span
from glmgate.policy.counters import Ask, Change, Counters, Lease, MemoryCounters, Outcome
from glmgate.wire.terms import Scope
from tests.fakes.clock import FakeClock


@dataclass(slots=True)
class FarCounters(Counters):
    """Counters behind a wire: `is_away` while they cannot be reached; an answer is sent when `answers` is set."""

    clock: FakeClock
    is_away: bool = False
    waits: bool = True
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    store: MemoryCounters = field(init=False)
    renewed: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.answers.set()
        self.forget()

    def forget(self) -> None:
        """Lose everything, as a server of counters that was started again."""
        self.store = MemoryCounters(clock=self.clock)

    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        """Reserve, and answer when it may be answered."""
        self.asked += 1
        self._reach()
        outcome = await self.store.take(holder, asks)
        await self.answers.wait()
        return outcome

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        """Settle."""
        self._reach()
        await self.store.settle(holder, changes)

    async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        """Renew, and remember what."""
        self._reach()
        self.renewed += slots
        return await self.store.renew(slots, leases)

    async def load(self, used: Mapping[str, tuple[int, float]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        """Load."""
        self._reach()
        return await self.store.load(used, leases)

    async def leased(self, name: str) -> int:
        """What leases hold."""
        self._reach()
        return await self.store.leased(name)

    def _reach(self) -> None:
        if self.is_away:
            raise Unavailable("The counters cannot be reached.")


@dataclass(slots=True)
class FakePast:
    """What was spent, by the scope's id and unit, and whether others have attempts under way; `asked` is how often."""

    amounts: dict[tuple[str, str], int] = field(default_factory=dict)
    asked: int = 0
    others: bool = False

    async def spent(self, scope: Scope, unit: str, span: Span) -> int:
        """The amount."""
        self.asked += 1
        await asyncio.sleep(0)
        return self.amounts.get((scope.id, unit), 0)

    async def elsewhere(self, scope: Scope, span: Span) -> bool:
        """Whether they have."""
        return self.others


@dataclass(slots=True)
class FakeLimitsWatch:
    """Remembers what it was told, as words."""

    told: list[str] = field(default_factory=list)

    def refused(self, kind: str, level: str) -> None:
        """Remember it."""
        self.told.append(f"refused {kind} {level}")

    def failed_open(self, kind: str) -> None:
        """Remember it."""
        self.told.append(f"open {kind}")

    def failed_closed(self, kind: str) -> None:
        """Remember it."""
        self.told.append(f"closed {kind}")

    def overrun(self, level: str, unit: str) -> None:
        """Remember it."""
        self.told.append(f"overrun {level} {unit}")
