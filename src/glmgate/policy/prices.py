"""Prices: which one holds for an attempt, and what it makes of tokens and other units. Exact, in whole nano-units.

A price holds from a day on, for a model (or all that begin so) of an upstream (or of all). The most specific one that
is in force wins: one of that upstream before one of all, then the longer name, then the later day.
Each attempt is rounded once, to the nearest nano-unit, a half away from zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from glmgate.errors import SettingsError
from glmgate.wire.charge import NANO, Charge, Units
from glmgate.wire.delta import Usage

OWN: Final = ""
"""The upstream of what our own engine runs."""

_MILLION: Final = 10**6
_MS: Final = 1000
_KEPT: Final = 1000  # what was looked up; names of models can be the callers' own


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Nano-units of a currency, for a million tokens of each kind, and for each call, image and second.

    `cached` ones are a part of the prompt, `reasoning` ones of the answer; None: they cost what the rest of it costs.
    """

    prompt: int = 0
    answer: int = 0
    cached: int | None = None
    reasoning: int | None = None
    call: int = 0
    image: int = 0
    second: int = 0

    def amount(self, usage: Usage, units: Units) -> int:
        """What that costs. `usage` has no part that is larger than its whole."""
        cached = self.prompt if self.cached is None else self.cached
        reasoning = self.answer if self.reasoning is None else self.reasoning
        tokens = (
            (usage.prompt - usage.cached) * self.prompt
            + usage.cached * cached
            + (usage.completion - usage.reasoning) * self.answer
            + usage.reasoning * reasoning
        )
        whole = units.calls * self.call + units.images * self.image
        exact = tokens + whole * _MILLION + units.ms * self.second * (_MILLION // _MS)  # in millionths
        return (2 * exact + _MILLION) // (2 * _MILLION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs from a day on (midnight UTC; None: always).

    `upstream` None stands for all of them, but not for what our own engine runs (`OWN`). `model` is the upstream's name
    for it, in any case of letters; a star at its end stands for the rest of a name.
    """

    model: str
    currency: str
    rates: Rates
    upstream: str | None = None
    since: date | None = None

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        upstream = "*" if self.upstream is None else self.upstream or "own"
        return f"{upstream}/{self.model}@{'always' if self.since is None else self.since.isoformat()}"

    @property
    def begins_at(self) -> float:
        """From when on it holds, in Unix seconds."""
        if self.since is None:
            return 0.0
        return datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC).timestamp()

    @property
    def rank(self) -> tuple[bool, bool, int, float]:
        """The greater one wins."""
        return self.upstream is not None, not self.model.endswith("*"), len(self.model), self.begins_at

    def fits(self, upstream: str, model: str) -> bool:
        """Whether it is the price of that model there, at some time."""
        if upstream != self.upstream and (self.upstream is not None or upstream == OWN):
            return False
        mine, theirs = self.model.casefold(), model.casefold()
        return theirs.startswith(mine[:-1]) if mine.endswith("*") else theirs == mine


@dataclass(frozen=True, slots=True)
class _InForce:
    """The price that wins from `begins_at` until before `until`, and its name."""

    price: Price
    name: str
    begins_at: float
    until: float


class Prices:
    """All prices that were ever set. Raises SettingsError where two of them say different things of the same."""

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self._prices = tuple(prices)
        self._found: dict[tuple[str, str], tuple[Price, ...]] = {}
        self._last: dict[tuple[str, str], _InForce] = {}
        _check(self._prices)

    def price(self, upstream: str, model: str, at: float) -> Price | None:
        """The price in force at that time (Unix seconds); None where there is none."""
        found = self._in_force(upstream, model, at)
        return None if found is None else found.price

    def currencies(self, upstream: str, model: str, at: float) -> frozenset[str]:
        """The currencies that the model is charged in there, now or on a day to come; none where it has no price."""
        fitting = self._fitting(upstream, model)
        now = self.price(upstream, model, at)
        return frozenset(price.currency for price in fitting if price is now or price.begins_at > at)

    def charge(self, upstream: str, model: str, at: float, used: Charge) -> Charge:
        """`used` with the amount that the price in force makes of it; without one where there is none."""
        found = self._in_force(upstream, model, at)
        if found is None:
            return Charge(usage=used.usage, units=used.units, estimated=used.estimated)
        price = found.price
        return Charge(
            usage=used.usage,
            units=used.units,
            amount=price.rates.amount(used.usage, used.units),
            currency=price.currency,
            estimated=used.estimated,
            price=found.name,
        )

    def _in_force(self, upstream: str, model: str, at: float) -> _InForce | None:
        """What is in force there. Asked several times for each request, so what was found last is looked at first."""
        last = self._last.get((upstream, model))
        if last is not None and last.begins_at <= at < last.until:
            return last
        fitting = self._fitting(upstream, model)
        begun = [price for price in fitting if price.begins_at <= at]
        if not begun:
            return None
        if len(self._last) >= _KEPT:
            self._last.clear()
        since = max(price.begins_at for price in begun)
        until = min((price.begins_at for price in fitting if price.begins_at > at), default=math.inf)
        found = self._last[upstream, model] = _InForce(begun[0], begun[0].name, since, until)
        return found

    def _fitting(self, upstream: str, model: str) -> tuple[Price, ...]:
        """The prices of that model there, the one that wins first."""
        found = self._found.get((upstream, model))
        if found is None:
            if len(self._found) >= _KEPT:
                self._found.clear()
            fitting = [price for price in self._prices if price.fits(upstream, model)]
            found = tuple(sorted(fitting, key=lambda price: price.rank, reverse=True))
            self._found[upstream, model] = found
        return found


def nano(amount: Decimal) -> int:
    """A decimal amount in nano-units. ValueError where it is none, is negative, or has more than nine decimals."""
    if not amount.is_finite() or amount < 0:
        raise ValueError("an amount is a number that is not negative")
    if amount.adjusted() > _MOST_DIGITS:
        raise ValueError("the amount is too large")
    scaled = amount * NANO
    if scaled != scaled.to_integral_value():
        raise ValueError("there are at most nine decimals")
    return int(scaled)


_MOST_DIGITS: Final = 8


def decimal_of(amount: int) -> Decimal:
    """Nano-units as a decimal number of the currency."""
    return Decimal(amount).scaleb(-9)


def _check(prices: Sequence[Price]) -> None:
    seen: dict[tuple[str | None, str, date | None], Price] = {}
    for price in prices:
        key = (price.upstream, price.model.casefold(), price.since)
        other = seen.setdefault(key, price)
        if other is not price:
            raise SettingsError(
                f"The price {price.name!r} is given twice: once {_said(other)}, once {_said(price)}. Keep one of them, "
                "or say with `since` from which day the other one holds."
            )


def _said(price: Price) -> str:
    prompt, answer = (f"{decimal_of(rate).normalize():f}" for rate in (price.rates.prompt, price.rates.answer))
    return f"in {price.currency} at {prompt} for prompts and {answer} for answers"
