"""A reservation: what one request holds of limits and budgets, from its admission to the end of its last attempt.

It is the `Spending` of its call: the books tell it of each attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from glmgate.errors import QuotaExhausted
from glmgate.gateway.counting import Counting
from glmgate.policy.admission import Wish, amount, uncovered
from glmgate.policy.budgets import Account, refusal
from glmgate.policy.counters import Bucket, Change, Refused, Slot, State
from glmgate.policy.limits import Limit
from glmgate.policy.sizes import measured
from glmgate.telemetry.limits import LimitsWatch
from glmgate.wire.charge import Charge
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Place


@dataclass(slots=True)
class Holding:
    """What a request holds of one account.

    `granted` in all, `open` for attempts under way, `spent` by those that are over, `asked` is being asked for now.
    """

    account: Account
    granted: int = 0
    open: int = 0
    spent: int = 0
    asked: int = 0

    @property
    def missing(self) -> int:
        """What has to be granted yet for what is open and spent."""
        return max(0, self.spent + self.open - self.granted - self.asked)

    @property
    def excess(self) -> int:
        """What is held, or being asked for, beyond what is spent and open; below zero: it was too little."""
        return self.granted + self.asked - self.spent - self.open


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept for one attempt, of each holding."""

    estimate: Charge
    costs: tuple[int, ...]


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
        short = [(holding, holding.missing) for holding in self.holdings if holding.missing]
        if short:
            try:
                await self._extend(short)
            except BaseException:
                self._open(-cost for cost in costs)
                self._unused()
                raise
        self._kept[id(estimate)] = Kept(estimate, costs)

    def settled(self, call: Call, estimate: Charge, charge: Charge) -> None:  # noqa: ARG002 -- see attempt
        """An attempt is over: what it has cost is spent, and what was kept for it is free for the next."""
        self._tokens += charge.usage.total
        kept = self._kept.pop(id(estimate), None)
        costs = (0,) * len(self.holdings) if kept is None else kept.costs
        self._open(-cost for cost in costs)
        changes = []
        for holding, cost in zip(self.holdings, costs, strict=True):
            spent = amount(charge, holding.account.unit)
            holding.spent += spent
            if self.is_over:
                holding.granted += spent - cost
            changes.append(Change(holding.account.spend(0), spent - cost))
        if self.is_over:
            changes += [Change(limit.ask, charge.usage.total) for limit in self.limits if limit.kind == "tokens"]
            self.counting.settle_later(self.holder, [change for change in changes if change.by])

    async def close(self) -> None:
        """The request is over: all is given back that no attempt has used or may still use."""
        if self.is_over:
            return
        self.is_over = True
        changes = [Change(limit.ask, self._rest(limit)) for limit in self.limits]
        changes += [Change(holding.account.spend(0), -holding.excess) for holding in self.holdings]
        reserved = {holding.account.name: holding.granted for holding in self.holdings}
        for holding in self.holdings:
            holding.granted -= holding.excess
        told = [change for change in changes if change.by or isinstance(change.ask, Slot)]
        await self.counting.settle(self.holder, told, reserved)

    def _rest(self, limit: Limit) -> int:
        """What the truth is more than the estimate; requests are counted as they were asked."""
        return self._tokens - limit.ask.amount if limit.kind == "tokens" and isinstance(limit.ask, Bucket) else 0

    def _costs(self, place: Place, request: Generation | EmbeddingsRequest, estimate: Charge) -> tuple[int, ...]:
        """What the attempt takes of each holding: of a hard budget the most that it can cost, not what is likely."""
        units = [holding.account.unit for holding in self.holdings if holding.account.limit is not None]
        wish = self.wish.of(place, measured(request)) if units else None
        return tuple(
            amount(estimate, holding.account.unit)
            if wish is None or holding.account.limit is None
            else wish.cost(holding.account.unit, None)
            for holding in self.holdings
        )

    def _open(self, costs: Iterable[int]) -> None:
        for holding, cost in zip(self.holdings, costs, strict=True):
            holding.open += cost

    def _unused(self) -> None:
        """Give back what was kept for an attempt that is not made after the request was over."""
        if self.is_over:
            changes = [Change(holding.account.spend(0), -holding.excess) for holding in self.holdings]
            for holding in self.holdings:
                holding.granted -= holding.excess
            self.counting.settle_later(self.holder, [change for change in changes if change.by])

    async def _extend(self, short: Sequence[tuple[Holding, int]]) -> None:
        for holding, more in short:
            holding.asked += more
        try:
            asks = [holding.account.spend(more) for holding, more in short]
            outcome = await self.counting.take(
                self.holder, asks, {holding.account.name: holding.account for holding, _ in short}
            )
        finally:
            for holding, more in short:
                holding.asked -= more
        if isinstance(outcome, Refused):
            holding, more = short[outcome.index]
            self.watch.refused("budget", holding.account.scope.level)
            raise refused(self.counting, holding.account, outcome.state, more)
        for (holding, _), state in zip(short, outcome.states, strict=True):
            holding.granted += state.granted
        if self.is_over:  # nobody gives it back any more but the attempt's own settlement
            self.counting.release({holding.account.name: more for holding, more in short})


def refused(counting: Counting, account: Account, state: State, least: int) -> QuotaExhausted:
    """The error of an account that has not enough left for `least`.

    Where requests under way hold enough of it, later helps: they give back what they do not use.
    """
    return refusal(account, state, soon=state.remaining + counting.reserved.get(account.name, 0) >= least)
