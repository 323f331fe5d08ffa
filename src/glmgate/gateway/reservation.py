"""A reservation: what one request holds of limits and budgets, from its admission to the end of its last attempt.

It is the `Spending` of its call: the books tell it of each attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from glmgate.errors import QuotaExhausted
from glmgate.gateway.counting import Counting
from glmgate.gateway.leases import Lease
from glmgate.policy.admission import Wish, amount, uncovered
from glmgate.policy.budgets import Account, refusal
from glmgate.policy.counters import Bucket, Change, Refused, Slot, Spend, State
from glmgate.policy.limits import Limit
from glmgate.policy.sizes import Size, measured
from glmgate.telemetry.limits import LimitsWatch
from glmgate.wire.charge import Charge
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Place


@dataclass(slots=True)
class Holding:
    """What a request holds of one account.

    `granted` in all, `open` for attempts under way, `spent` by those that are over, `asked` is being asked for now.
    `likely` is what the ledger has of those under way. Of `asked`, `leasing` will be part of the lease.
    """

    account: Account
    granted: int = 0
    open: int = 0
    spent: int = 0
    asked: int = 0
    likely: int = 0
    leasing: int = 0
    lease: Lease | None = None

    @property
    def missing(self) -> int:
        """What has to be granted yet for what is open and spent."""
        return max(0, self.spent + self.open - self.granted - self.asked)

    @property
    def excess(self) -> int:
        """What is held, or being asked for, beyond what is spent and open; below zero: it was too little."""
        return self.granted + self.asked - self.spent - self.open

    @property
    def loose(self) -> int:
        """What must not be a lease any more, because the ledger has it: it stays, if this is never heard of again."""
        return 0 if self.lease is None else max(0, self.lease.amount - self.lease.unknown)

    def opened(self, cost: int, likely: int) -> None:
        """So much is open for an attempt, and the ledger will have what is likely; below zero: no more."""
        self.open += cost
        self.likely += likely

    def known(self) -> None:
        """The ledger has it now."""
        if self.lease is not None:
            self.lease.unknown = max(0, self.granted - self.spent - self.likely)

    def more(self, *, leases: bool) -> Spend:
        """The ask of what is missing; where there are `leases`, what they leave has to be what the ledger has."""
        if not leases:
            return self.account.spend(self.missing)
        leased = self.leasing if self.lease is None else self.leasing + self.lease.amount
        least = leased + self.spent + self.likely - self.granted - self.asked
        return self.account.spend(self.missing, likely=max(0, least))


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept for one attempt, of each holding: the most that it can cost, and what the ledger has."""

    estimate: Charge
    costs: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Reservation:
    """What was taken for the request `holder`; `counting` is the store that it was taken from."""

    counting: Counting
    watch: LimitsWatch
    holder: str
    wish: Wish
    limits: Sequence[Limit]
    holdings: Sequence[Holding]
    is_over: bool = False
    _tokens: int = 0
    _kept: dict[int, Kept] = field(default_factory=dict)

    async def attempt(
        self,
        call: Call,  # noqa: ARG002 -- as the Protocol has it
        place: Place,
        request: Generation | EmbeddingsRequest,
        estimate: Charge,
    ) -> None:
        """Reserve what an attempt may cost beyond what is held. Raises QuotaExhausted, Unavailable."""
        if not self.holdings:
            return
        error = uncovered([holding.account for holding in self.holdings], place, estimate)
        if error is not None:
            raise error
        costs = self._costs(place, request, estimate)
        # Before anything is waited for: of two attempts at a time, neither may count on what the other needs.
        self._open(costs)
        try:
            await self._covered()
        except BaseException:
            self._open((-cost, -likely) for cost, likely in costs)
            self._unused()
            raise
        self._kept[id(estimate)] = Kept(estimate, costs)

    def answer(self, size: Size) -> int | None:
        """The most tokens that an answer may have by what is left of a grant that was less than was asked for.

        That is after something was spent on the request, or its size has changed; None: it may be as it is.
        """
        wish = msgspec.structs.replace(self.wish, size=size)
        limits = [
            wish.answer(holding.account, holding.granted - holding.spent)
            for holding in self.holdings
            if holding.account.limit is not None and holding.granted < self.wish.cost(holding.account.unit, None)
        ]
        return min((limit for limit in limits if limit is not None), default=None)

    async def _covered(self) -> None:
        """What is open is reserved, and what the ledger will have of it is no lease; mostly both are so already."""
        short = [(holding, holding.more(leases=self.counting.leases)) for holding in self.holdings if holding.missing]
        if short:
            await self._extend(short)
        if self.counting.leases and (loose := self._loose()):
            await self.counting.settle(self.holder, loose, {})

    def _loose(self) -> list[Change]:
        """What must not be a lease any more, now that the ledger knows of an attempt; mostly nothing."""
        for holding in self.holdings:
            holding.known()
        return [Change(holding.account.spend(0), 0, holding.loose) for holding in self.holdings if holding.loose]

    def settled(self, call: Call, estimate: Charge, charge: Charge) -> None:  # noqa: ARG002 -- see attempt
        """An attempt is over: what it has cost is spent, and what was kept for it is free for the next."""
        self._tokens += charge.usage.total
        kept = self._kept.pop(id(estimate), None)
        costs = ((0, 0),) * len(self.holdings) if kept is None else kept.costs
        for holding, (cost, likely) in zip(self.holdings, costs, strict=True):
            holding.spent += amount(charge, holding.account.unit)
            holding.opened(-cost, -likely)
        if self.is_over:
            changes = [Change(limit.ask, charge.usage.total) for limit in self.limits if limit.kind == "tokens"]
            told = [change for change in changes if change.by]
            self.counting.settle_later(self.holder, [*told, *self._rests()])
        elif self.counting.leases and (loose := self._loose()):
            self.counting.settle_later(self.holder, loose)

    async def close(self) -> None:
        """The request is over: all is given back that no attempt has used or may still use."""
        if self.is_over:
            return
        self.is_over = True
        changes = [Change(limit.ask, self._rest(limit)) for limit in self.limits]
        told = [change for change in changes if change.by or isinstance(change.ask, Slot)]
        reserved = {holding.account.name: holding.granted for holding in self.holdings}
        await self.counting.settle(self.holder, [*told, *self._rests()], reserved)

    def _rests(self) -> list[Change]:
        """What is to be settled after the end, so that only what is open and spent is held."""
        changes = []
        for holding in self.holdings:
            excess = holding.excess
            holding.granted -= excess
            holding.known()
            if excess or holding.loose:
                changes.append(Change(holding.account.spend(0), -excess, holding.loose))
        return changes

    def _rest(self, limit: Limit) -> int:
        """What the truth is more than the estimate; requests are counted as they were asked."""
        return self._tokens - limit.ask.amount if limit.kind == "tokens" and isinstance(limit.ask, Bucket) else 0

    def _costs(
        self, place: Place, request: Generation | EmbeddingsRequest, estimate: Charge
    ) -> tuple[tuple[int, int], ...]:
        """What the attempt takes of each holding: of a hard budget the most that it can cost, not what is likely."""
        size = measured(request)
        # The first attempt is mostly the request itself, and the dearest one was granted.
        is_granted = not self.is_over and size == self.wish.size and self.wish.reckons_with(place)
        wish = self.wish if is_granted else self.wish.of(place, size)
        costs = []
        for holding in self.holdings:
            unit = holding.account.unit
            likely = cost = amount(estimate, unit)
            if holding.account.limit is not None:
                is_whole = is_granted and not holding.spent and not holding.open
                cost = holding.granted if is_whole else wish.cost(unit, None)
            costs.append((cost, likely))
        return tuple(costs)

    def _open(self, costs: Iterable[tuple[int, int]]) -> None:
        for holding, (cost, likely) in zip(self.holdings, costs, strict=True):
            holding.opened(cost, likely)

    def _unused(self) -> None:
        """Give back what was kept for an attempt that is not made after the request was over."""
        if self.is_over and (rests := self._rests()):
            self.counting.settle_later(self.holder, rests)

    async def _extend(self, short: Sequence[tuple[Holding, Spend]]) -> None:
        for holding, more in short:
            holding.asked += more.amount
            holding.leasing += more.leased(more.amount)
        try:
            accounts = {more.name: holding.account for holding, more in short}
            outcome = await self.counting.take(self.holder, [more for _, more in short], accounts)
        finally:
            for holding, more in short:
                holding.asked -= more.amount
                holding.leasing -= more.leased(more.amount)
        if isinstance(outcome, Refused):
            holding, more = short[outcome.index]
            self.watch.refused("budget", holding.account.scope.level)
            raise await refused(self.counting, holding.account, outcome.state, more.amount)
        for (holding, more), state in zip(short, outcome.states, strict=True):
            holding.granted += state.granted
            holding.lease = self.counting.lease(more.name, self.holder)
        if self.is_over:  # nobody gives it back any more but the attempt's own settlement
            self.counting.release({more.name: more.amount for _, more in short})


async def refused(counting: Counting, account: Account, state: State, least: int) -> QuotaExhausted:
    """The error of an account that has not enough left for `least`.

    Where requests under way hold enough of it, later helps: they give back what they do not use.
    """
    return refusal(account, state, soon=state.remaining + await counting.under_way(account.name) >= least)
