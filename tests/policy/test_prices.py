"""Prices: which one holds, and what it makes of an attempt, to the nano-unit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import SettingsError
from glmgate.policy.prices import OWN, Price, Prices, Rates, decimal_of, nano
from glmgate.wire.charge import NANO, ONE_CALL, Charge, Units
from glmgate.wire.delta import Usage

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp()
JUNE = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


def price(
    model: str = "glm-4.6", *, upstream: str | None = None, since: date | None = None, currency: str = "USD"
) -> Price:
    """A price of 0.60 and 2.20 for a million tokens."""
    return Price(
        model=model,
        upstream=upstream,
        since=since,
        currency=currency,
        rates=Rates(prompt=600_000_000, answer=2_200_000_000),
    )


def name_of(prices: Prices, upstream: str, model: str, at: float = MAY) -> str | None:
    """Which one holds."""
    found = prices.price(upstream, model, at)
    return None if found is None else found.name


def test_the_most_specific_price_wins() -> None:
    """That of the upstream before one of all, a whole name before its beginning, a longer one before a shorter."""
    prices = Prices(
        [price("*"), price("glm-*"), price("glm-4.6*"), price("glm-4.6"), price("glm-*", upstream="zai"), price("x*")]
    )
    assert name_of(prices, "zai", "glm-4.6") == "zai/glm-*@always"
    assert name_of(prices, "other", "GLM-4.6") == "*/glm-4.6@always"
    assert name_of(prices, "other", "glm-4.6-air") == "*/glm-4.6*@always"
    assert name_of(prices, "other", "glm-5") == "*/glm-*@always"
    assert name_of(prices, "other", "qwen") == "*/*@always"


def test_a_price_holds_from_its_day_on() -> None:
    """From midnight UTC; until then the one before it."""
    prices = Prices([price(), price(since=date(2026, 6, 1)), price(since=date(2027, 1, 1))])
    assert name_of(prices, "zai", "glm-4.6", JUNE - 1) == "*/glm-4.6@always"
    assert name_of(prices, "zai", "glm-4.6", JUNE) == "*/glm-4.6@2026-06-01"
    later = Prices([price("glm-*"), price("glm-4.6", since=date(2026, 6, 1))])
    assert name_of(later, "zai", "glm-4.6", MAY) == "*/glm-*@always"
    assert name_of(Prices([price(since=date(2026, 6, 1))]), "zai", "glm-4.6", MAY) is None


@given(st.lists(st.integers(-2, 400), min_size=1, max_size=20))
def test_what_was_asked_before_changes_nothing(days: list[int]) -> None:
    """The price of a day is the same whichever days were asked for first."""
    every = [price("glm-*"), price(since=date(2026, 6, 1)), price("glm-*", upstream="zai", since=date(2027, 1, 1))]
    prices = Prices(every)
    for day in days:
        at = MAY + day * 86_400
        assert name_of(prices, "zai", "glm-4.6", at) == name_of(Prices(every), "zai", "glm-4.6", at)
        assert prices.charge("zai", "glm-4.6", at, Charge()).price == name_of(Prices(every), "zai", "glm-4.6", at)


def test_our_own_engine_costs_only_what_is_said_of_it() -> None:
    """A price of all upstreams is none of a local model."""
    assert name_of(Prices([price("*")]), OWN, "glm-4.6") is None
    assert name_of(Prices([price("*", upstream=OWN)]), OWN, "glm-4.6") == "own/*@always"


def test_two_prices_for_the_same_are_refused() -> None:
    """In another case of letters too; whatever they say."""
    with pytest.raises(SettingsError, match=r"given twice: once in USD at 0\.6 .* once in CNY"):
        Prices([price(), price("GLM-4.6", currency="CNY")])


def test_currencies_that_may_come_are_known() -> None:
    """Those in force, and those of days to come."""
    prices = Prices([price(), price(since=date(2026, 6, 1), currency="CNY")])
    assert prices.currencies("zai", "glm-4.6", MAY) == {"USD", "CNY"}
    assert prices.currencies("zai", "glm-4.6", JUNE) == {"CNY"}
    assert prices.currencies("zai", "glm-5", JUNE) == frozenset()


def test_an_attempt_without_a_price_has_no_amount() -> None:
    """That is not the same as nothing."""
    used = Charge(usage=Usage(10, 5), units=ONE_CALL, estimated=True)
    charge = Prices().charge("zai", "glm-4.6", MAY, used)
    assert charge == used
    assert (charge.amount, charge.currency, charge.price) == (None, None, None)


def test_each_kind_of_tokens_has_its_rate() -> None:
    """Cached ones are a part of the prompt, thoughts of the answer."""
    rates = Rates(prompt=600_000_000, answer=2_200_000_000, cached=110_000_000, reasoning=3_000_000_000)
    # 800 x 600 + 200 x 110 + 400 x 2200 + 100 x 3000
    assert rates.amount(Usage(1000, 500, 200, 100), Units()) == 480_000 + 22_000 + 880_000 + 300_000
    flat = Rates(prompt=600_000_000, answer=2_200_000_000)
    assert flat.amount(Usage(1000, 500, 200, 100), Units()) == 600_000 + 1_100_000


def test_calls_images_and_seconds_have_theirs() -> None:
    """Whole ones, and seconds to the millisecond."""
    rates = Rates(call=10 * NANO, image=2 * NANO, second=NANO)
    assert rates.amount(Usage(5, 5), Units(calls=1, images=3, ms=1500)) == 17_500_000_000


def test_an_attempt_is_rounded_once_to_the_nearest() -> None:
    """A half goes up: 1.5 nano-units are 2."""
    rates = Rates(prompt=500_000)  # half a nano-unit for each token
    assert [rates.amount(Usage(tokens), Units()) for tokens in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_a_charge_names_its_price() -> None:
    """And keeps what it was made of."""
    used = Charge(usage=Usage(1000, 500), units=ONE_CALL, estimated=True)
    charge = Prices([price()]).charge("zai", "glm-4.6", MAY, used)
    assert charge == Charge(
        usage=Usage(1000, 500),
        units=ONE_CALL,
        amount=1_700_000,
        currency="USD",
        estimated=True,
        price="*/glm-4.6@always",
    )


def test_many_models_are_looked_up_without_keeping_them_all() -> None:
    """Names can be the callers' own."""
    prices = Prices([price("glm-*")])
    assert all(prices.price("zai", f"glm-{number}", MAY) for number in range(2500))
    assert prices.price("zai", "glm-0", MAY) is not None


@pytest.mark.parametrize(("text", "units"), [("0.6", 600_000_000), ("0", 0), ("0.000000001", 1), ("12", 12 * NANO)])
def test_amounts_are_exact(text: str, units: int) -> None:
    """Nine decimals fit, and come back."""
    assert nano(Decimal(text)) == units
    assert decimal_of(units) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("-1", "not negative"), ("NaN", "not negative"), ("Infinity", "not negative"), ("1e9", "too large"),
     ("0.0000000001", "nine decimals")],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str, said: str) -> None:
    """In words that say what is wrong."""
    with pytest.raises(ValueError, match=said):
        nano(Decimal(text))


RATES = st.integers(0, 10**12)
TOKENS = st.integers(0, 10**7)
USAGES = st.tuples(TOKENS, TOKENS, TOKENS, TOKENS).map(
    lambda parts: Usage(parts[0] + parts[2], parts[1] + parts[3], parts[2], parts[3])
)


@given(
    st.builds(Rates, prompt=RATES, answer=RATES, cached=st.none() | RATES, reasoning=st.none() | RATES), USAGES, USAGES
)
def test_amounts_add_up_within_what_rounding_takes(rates: Rates, one: Usage, other: Usage) -> None:
    """Never negative, and half a nano-unit off for each attempt at most."""
    parts = [rates.amount(one, Units()), rates.amount(other, Units())]
    together = rates.amount(one + other, Units())
    assert min(parts) >= 0
    assert abs(sum(parts) - together) <= 1


@given(RATES, TOKENS)
def test_an_amount_is_the_nearest_to_the_exact_one(rate: int, tokens: int) -> None:
    """By half a nano-unit."""
    exact = Fraction(rate * tokens, 10**6)
    assert abs(Rates(prompt=rate).amount(Usage(tokens), Units()) - exact) <= Fraction(1, 2)
