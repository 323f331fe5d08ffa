"""Quotes: what attempts will cost, from the prices in force and from what was learned of their models. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glmgate.policy.estimates import Estimator
from glmgate.policy.interfaces import Clock
from glmgate.policy.prices import Prices
from glmgate.policy.sizes import Size
from glmgate.wire.charge import ONE_CALL
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from glmgate.wire.terms import TOKENS


@dataclass(frozen=True, slots=True)
class PriceQuotes:
    """Implements `admission.Quotes`. `prices` gives those that hold now."""

    prices: Callable[[], Prices]
    estimator: Estimator
    clock: Clock

    def likely(self, place: Place, size: Size) -> Usage:
        """The tokens that one answer will probably take."""
        return self.estimator.upper(place.upstream, place.model, size.prompt_bytes, size.max_tokens)

    def cost(self, place: Place, usage: Usage, unit: str) -> int:
        """The most that one call of so many tokens takes there now: all of them of the dearest kind."""
        if unit == TOKENS:
            return usage.total
        price = self.prices().price(place.upstream, place.model, self.clock())
        if price is None or price.currency != unit:
            return 0
        rates = price.rates
        if rates.cached is None and rates.reasoning is None:
            return rates.amount(usage, ONE_CALL)
        dearest = Usage(
            usage.prompt,
            usage.completion,
            usage.prompt if (rates.cached or 0) > rates.prompt else 0,
            usage.completion if (rates.reasoning or 0) > rates.answer else 0,
        )
        return rates.amount(dearest, ONE_CALL)
