"""Leases: what requests of this process hold of hard budgets beyond what is likely, as long as they are heard of.

The store gives back what nobody renews (`policy.counters`); when it has lost its memory, it is told of them anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from glmgate.policy.counters import Ask, Change, Spend, State
from glmgate.policy.counters import Lease as Told


@dataclass(slots=True)
class Lease:
    """What one request holds of one period.

    `amount` is the store's lease. `unknown` is what the ledger does not know of what the request holds: what a store
    that lost its memory has to count beside the ledger's sums.
    """

    amount: int
    unknown: int


@dataclass(slots=True)
class Leases:
    """All leases of this process, by period and holder."""

    _all: dict[tuple[str, str], Lease] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)

    def get(self, name: str, holder: str) -> Lease | None:
        """The lease that a request holds of a period."""
        return self._all.get((name, holder))

    def granted(self, holder: str, asks: Sequence[Ask], states: Sequence[State]) -> None:
        """That much was granted: a new lease, or more of one."""
        for ask, state in zip(asks, states, strict=True):
            amount = ask.leased(state.granted) if isinstance(ask, Spend) else 0
            if not amount:
                continue
            lease = self._all.get((ask.name, holder))
            if lease is None:
                self._all[ask.name, holder] = Lease(amount, state.granted)
            else:
                lease.amount += amount

    def ended(self, holder: str, changes: Iterable[Change]) -> None:
        """So much of them is over."""
        for change in changes:
            if change.held and (lease := self._all.get((change.ask.name, holder))) is not None:
                lease.amount -= change.held
                if lease.amount <= 0:
                    del self._all[change.ask.name, holder]

    def told(self, names: Collection[str] | None = None) -> list[Told]:
        """What the store is told of them; `names`: only of these periods."""
        return [
            (name, holder, lease.unknown)
            for (name, holder), lease in self._all.items()
            if names is None or name in names
        ]

    def made(self, anew: Iterable[Told]) -> Iterator[tuple[str, Change]]:
        """The store has made these anew; what has to be settled of those that nobody holds any more."""
        for name, holder, amount in anew:
            lease = self._all.get((name, holder))
            if lease is None:
                yield holder, Change(Spend(name, 0, 0.0), -amount, amount)
                continue
            lease.amount = amount
            if not amount:
                del self._all[name, holder]
