"""Charges as they travel."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.wire.charge import NANO, NO_CHARGE, ONE_CALL, Charge, Units, amount_text, texts_of
from glmgate.wire.delta import Usage


def test_units_add_up() -> None:
    """Each kind by itself."""
    assert Units(1, 2, 3) + ONE_CALL == Units(2, 2, 3)


def test_a_charge_comes_back_as_it_was_written() -> None:
    """In JSON, to the nano-unit; what is not known stays so."""
    charge = Charge(
        usage=Usage(5, 3), units=ONE_CALL, amount=10**18 + 1, currency="USD", estimated=True, price="*/m@always"
    )
    for each in (charge, NO_CHARGE):
        assert msgspec.json.decode(msgspec.json.encode(each), type=Charge) == each
    assert NO_CHARGE.amount is None
    assert NANO == 1_000_000_000


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0"), (1, "0.000000001"), (1_250_000, "0.00125"), (NANO, "1"), (10 * NANO, "10"), (-NANO // 2, "-0.5")],
)
def test_money_is_written_to_its_last_digit(nano: int, text: str) -> None:
    """Never as a power of ten, and without digits that say nothing."""
    assert amount_text(nano) == text


@given(st.lists(st.tuples(st.integers(0, 10**15), st.sampled_from(["USD", "CNY"])), max_size=8))
def test_money_as_text_is_the_money(parts: list[tuple[int, str]]) -> None:
    """To the nano-unit, each currency by itself."""
    texts = texts_of([Charge(amount=amount, currency=currency) for amount, currency in parts])
    assert set(texts) == {currency for _, currency in parts}
    for currency, text in texts.items():
        assert int(Decimal(text) * NANO) == sum(amount for amount, each in parts if each == currency)


def test_what_has_no_price_is_no_money() -> None:
    """Nothing is not a price."""
    assert texts_of([Charge(), Charge(usage=Usage(1, 1))]) == {}
