"""Prices for tests: a cheap and a dear model in dollars, and one in yuan."""

from __future__ import annotations

from glmgate.policy.estimates import Estimator
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.policy.quotes import PriceQuotes

NANO_A_MILLION = 10**9
PRICES = Prices(
    [
        Price(model="cheap", currency="USD", rates=Rates(prompt=NANO_A_MILLION, answer=4 * NANO_A_MILLION)),
        Price(model="dear", currency="USD", rates=Rates(prompt=2 * NANO_A_MILLION, answer=8 * NANO_A_MILLION)),
        Price(model="other", currency="CNY", rates=Rates(prompt=NANO_A_MILLION, answer=NANO_A_MILLION)),
    ]
)


def quotes(prices: Prices = PRICES) -> PriceQuotes:
    """Quotes by these prices, of models of which nothing was learned."""
    return PriceQuotes(lambda: prices, Estimator(), lambda: 1_800_000_000.0)
