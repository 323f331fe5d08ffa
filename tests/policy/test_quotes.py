"""Tests of what attempts are said to cost before they are made."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.estimates import Estimator
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.policy.quotes import PriceQuotes
from glmgate.policy.sizes import Size
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from tests.policy.quoting import quotes

PLACE = Place("a/m", "a", "m")
RATES = st.one_of(st.none(), st.integers(0, 10**10))


@given(
    st.builds(
        Rates,
        prompt=st.integers(0, 10**10),
        answer=st.integers(0, 10**10),
        cached=RATES,
        reasoning=RATES,
        call=st.integers(0, 10**9),
    ),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.data(),
)
def test_a_quote_is_never_less_than_the_charge(rates: Rates, prompt: int, completion: int, data: st.DataObject) -> None:
    """Whatever part of the tokens is cached or reasoned, at whatever prices: a hard budget rests on it."""
    prices = Prices([Price(model="m", currency="USD", rates=rates)])
    used = Usage(
        data.draw(st.integers(0, prompt)),
        data.draw(st.integers(0, completion)),
    )
    used = Usage(
        used.prompt,
        used.completion,
        data.draw(st.integers(0, used.prompt)),
        data.draw(st.integers(0, used.completion)),
    )
    quoted = quotes(prices).cost(PLACE, Usage(prompt, completion), "USD")
    charged = prices.charge("a", "m", 1_800_000_000.0, Charge(usage=used, units=ONE_CALL))
    assert charged.amount is not None
    assert quoted >= charged.amount


def test_a_place_takes_only_of_budgets_in_its_unit() -> None:
    """Tokens whatever they cost; no money where it has no price, or one in another currency."""
    prices = Prices([Price(model="m", currency="USD", rates=Rates(prompt=10**9))])
    assert [quotes(prices).cost(PLACE, Usage(3, 4), unit) for unit in ("tokens", "USD", "CNY")] == [7, 3000, 0]
    assert [quotes(Prices()).cost(PLACE, Usage(3, 4), unit) for unit in ("tokens", "USD")] == [7, 0]


def test_the_prices_in_force_hold() -> None:
    """Those that were set meanwhile too, from their day on."""
    held = [Prices([Price(model="m", currency="USD", rates=Rates(prompt=10**9))])]
    found = PriceQuotes(lambda: held[0], Estimator(), lambda: 1_800_000_000.0)
    assert found.cost(PLACE, Usage(1000), "USD") == 10**6
    dearer = Price(model="m", currency="USD", rates=Rates(prompt=2 * 10**9), since=date(2026, 1, 1))
    held[0] = Prices([dearer, Price(model="m", currency="USD", rates=Rates(prompt=7 * 10**9), since=date(2040, 1, 1))])
    assert found.cost(PLACE, Usage(1000), "USD") == 2 * 10**6


def test_what_is_likely_is_what_was_learned() -> None:
    """By place: what one model's bytes are worth says nothing of another's."""
    estimator = Estimator()
    for _ in range(100):
        estimator.learn("a", "m", prompt_bytes=1000, answer_bytes=100, told=Usage(500, 30))
    found = PriceQuotes(Prices, estimator, lambda: 0.0)
    assert found.likely(PLACE, Size(1000)).completion == 30
    assert 450 <= found.likely(PLACE, Size(1000)).prompt <= 550
    assert found.likely(Place("b/m", "b", "m"), Size(1000, 7)) == Usage(250, 7)
