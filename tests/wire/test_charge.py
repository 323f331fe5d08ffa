"""Charges as they travel."""

from __future__ import annotations

import msgspec

from glmgate.wire.charge import NANO, NO_CHARGE, ONE_CALL, Charge, Units
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
