"""Quotes: what attempts will cost, from the prices in force and from what was learned of their models. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glmgate.policy.estimates import Estimator
from glmgate.policy.interfaces import Clock
from glmgate.policy.prices import Prices
from glmgate.policy.sizes import Size
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place


@dataclass(frozen=True, slots=True)
class PriceQuotes:
    """Implements `admission.Quotes`. `prices` gives those that hold now."""

    prices: Callable[[], Prices]
    estimator: Estimator
    clock: Clock

    def likely(self, place: Place, size: Size) -> Usage:
        """The tokens that one answer will probably take."""
        return self.estimator.upper(place.upstream, place.model, size.prompt_bytes, size.max_tokens)

    def charge(self, place: Place, usage: Usage) -> Charge:
        """The most that one call of so many tokens costs there now: all of them of the dearest kind."""
        price = self.prices().price(place.upstream, place.model, self.clock())
        if price is None:
            return Charge(usage=usage, units=ONE_CALL)
        rates = price.rates
        dearest = Usage(
            usage.prompt,
            usage.completion,
            usage.prompt if rates.cached is not None and rates.cached > rates.prompt else 0,
            usage.completion if rates.reasoning is not None and rates.reasoning > rates.answer else 0,
        )
        return Charge(
            usage=usage,
            units=ONE_CALL,
            amount=rates.amount(dearest, ONE_CALL),
            currency=price.currency,
            price=price.name,
        )
