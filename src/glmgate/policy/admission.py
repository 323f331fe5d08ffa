"""Admission: what one request asks of all the limits and budgets of those who ask, and what a budget leaves of it.

Pure. What is counted is in `limits` and `budgets`, and in which store in `counters`; who asks it is the gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from glmgate.errors import QuotaExhausted
from glmgate.policy.budgets import Account, written
from glmgate.policy.counters import Spend, State
from glmgate.policy.estimates import at_most
from glmgate.policy.sizes import Size
from glmgate.wire.charge import Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from glmgate.wire.terms import TOKENS

LONGEST: Final = 131_072
"""The tokens of an answer where nobody knows how long one can be: what the longest models of today give (128 K)."""


class Target(msgspec.Struct, frozen=True):
    """A place that may answer, and the most tokens that one answer of it can have."""

    place: Place
    longest: int = LONGEST

    @property
    def most(self) -> int:
        """The tokens that have to be reckoned with where a request sets no limit."""
        return min(self.longest, LONGEST)


class Quotes(Protocol):
    """What attempts cost, before they are made."""

    def likely(self, place: Place, size: Size) -> Usage:
        """The tokens that one answer will probably take: the prompt, and the most that it may say."""
        ...

    def cost(self, place: Place, usage: Usage, unit: str) -> int:
        """The most that one call of so many tokens takes there now of a budget of that unit.

        Whatever kinds of tokens they are. A place that charges in another currency, or has no price, takes nothing.
        """
        ...


class NullQuotes:
    """Knows no price, and takes each byte for a token."""

    def likely(self, place: Place, size: Size) -> Usage:  # noqa: ARG002
        """Each byte, and what is allowed or 1,024."""
        return at_most(size.prompt_bytes, 1024 if size.max_tokens is None else size.max_tokens)

    def cost(self, place: Place, usage: Usage, unit: str) -> int:  # noqa: ARG002
        """Tokens, and no money."""
        return usage.total if unit == TOKENS else 0


NULL_QUOTES: Final = NullQuotes()


class Wish(msgspec.Struct, frozen=True):
    """What is to be admitted: the request's size, and who may answer it, each of them."""

    size: Size
    targets: Sequence[Target] = ()
    quotes: Quotes = NULL_QUOTES

    def tokens(self) -> int:
        """The tokens that it will probably take, all answers together."""
        usages = (self.quotes.likely(target.place, self.size).total for target in self.targets)
        return max(usages, default=0) * self.size.answers

    def spend(self, account: Account, *, leases: bool = True) -> Spend:
        """What it asks of an account: of a hard budget the most that it can cost, but content with less.

        The least is the prompt and one token for each answer; an account that only warns is asked for what is likely.
        With `leases`, what a hard budget is asked beyond that is one.
        """
        if account.limit is None:
            return account.spend(self._likely(account.unit))
        most, least = self.cost(account.unit, None), self.cost(account.unit, 1)
        return account.spend(most, least=min(most, least), likely=self._likely(account.unit) if leases else None)

    def cost(self, unit: str, answer: int | None) -> int:
        """The most that it can cost with answers of at most so many tokens; None: as it is."""
        return self._dearest(unit, lambda one: at_most(self.size.prompt_bytes, self._answer(one, answer)))

    def answer(self, account: Account, granted: int) -> int | None:
        """The most tokens of an answer that `granted` is enough for; None where it is enough for all there can be."""
        if granted >= self.cost(account.unit, None):
            return None
        fits, too_much = 1, max((self._answer(one, None) for one in self.targets), default=1) + 1
        while too_much - fits > 1:
            middle = (fits + too_much) // 2
            if self.cost(account.unit, middle) <= granted:
                fits = middle
            else:
                too_much = middle
        return fits

    def of(self, place: Place, size: Size) -> Wish:
        """The wish of one attempt: only its place, with the longest answer that it can have."""
        targets = [target for target in self.targets if target.place.deployment == place.deployment]
        longest = max((target.longest for target in targets), default=LONGEST)
        return Wish(size, (Target(place, longest),), self.quotes)

    def reckons_with(self, place: Place) -> bool:
        """Whether it is one of the places that may answer."""
        return any(target.place.deployment == place.deployment for target in self.targets)

    def _likely(self, unit: str) -> int:
        return self._dearest(unit, lambda one: self.quotes.likely(one.place, self.size))

    def _answer(self, target: Target, answer: int | None) -> int:
        asked = target.most if self.size.max_tokens is None else self.size.max_tokens
        return asked if answer is None else min(asked, answer)

    def _dearest(self, unit: str, usage: Callable[[Target], Usage]) -> int:
        dearest = 0
        for one in self.targets:
            dearest = max(dearest, self.quotes.cost(one.place, usage(one), unit))
        return dearest * self.size.answers


def amount(charge: Charge, unit: str) -> int:
    """What a charge takes of a budget of that unit."""
    if unit == TOKENS:
        return charge.usage.total
    return charge.amount or 0 if charge.currency == unit else 0


def answer_limit(
    wish: Wish, accounts: Sequence[Account], spends: Sequence[Spend], states: Sequence[State]
) -> int | None:
    """The most tokens that an answer may have by what the hard budgets have left; None: no budget bounds it."""
    limits = [
        wish.answer(account, state.granted)
        for account, spend, state in zip(accounts, spends, states, strict=True)
        if state.granted < spend.amount
    ]
    return min((limit for limit in limits if limit is not None), default=None)


def uncovered(accounts: Sequence[Account], place: Place, charge: Charge) -> QuotaExhausted | None:
    """The error of an attempt that no budget bounds, where those who ask have hard budgets of money.

    An engine of our own costs nothing unless it has a price.
    """
    if charge.amount == 0 or (charge.amount is None and not place.upstream):
        return None
    money = [account for account in accounts if account.unit != TOKENS]
    units = {account.unit for account in money}
    if charge.currency in units or all(account.limit is None for account in money):
        return None
    error = QuotaExhausted(_why(place, charge, sorted(units)), zai_code="1113")
    error.remedy = "next"  # another deployment may be one that they can pay for
    return error


def _why(place: Place, charge: Charge, units: Sequence[str]) -> str:
    where = f"the model {place.model!r} of {place.upstream or 'this server'!r}"
    if charge.amount is None or charge.currency is None:
        return f"No price is known for {where}, so no budget can bound what it costs: add one to [[prices]]."
    costs = written(charge.amount, charge.currency)
    return f"The budgets are in {' and '.join(units)}, and {where} costs {costs}: add a budget in {charge.currency}."
