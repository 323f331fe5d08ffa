"""Charges: what one attempt costs, in tokens, in other units and in money.

Money is a whole number of nano-units (1e-9 of the currency); how it comes from prices is decided in `policy`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from glmgate.wire.delta import Usage

NANO: Final = 10**9
"""Nano-units in one unit of a currency."""


class Units(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is billed beside tokens. `ms` are milliseconds of sound or video."""

    calls: int = 0
    images: int = 0
    ms: int = 0

    def __add__(self, other: Units) -> Units:
        """The sum of two attempts' units."""
        return Units(self.calls + other.calls, self.images + other.images, self.ms + other.ms)


ONE_CALL: Final = Units(calls=1)


class Charge(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an attempt costs, or may cost at most.

    `amount` is in nano-units of `currency`; both are None where no price is known, which is not the same as nothing.
    `estimated`: some of it was not told by the service. `price` names the price that it was made with.
    """

    usage: Usage = Usage()
    units: Units = Units()
    amount: int | None = None
    currency: str | None = None
    estimated: bool = False
    price: str | None = None


NO_CHARGE: Final = Charge()
"""Of an attempt that no price is known for and that cost no tokens."""


def amount_text(nano: int) -> str:
    """Money in units of its currency, to the last digit that is there: `0.00125`."""
    whole, part = divmod(abs(nano), NANO)
    text = f"{whole}.{part:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if nano < 0 else text


def texts_of(charges: Iterable[Charge]) -> dict[str, str]:
    """The money of `charges` as text, each currency by itself."""
    sums: dict[str, int] = {}
    for charge in charges:
        if charge.amount is not None and charge.currency is not None:
            sums[charge.currency] = sums.get(charge.currency, 0) + charge.amount
    return {currency: amount_text(sums[currency]) for currency in sorted(sums)}
