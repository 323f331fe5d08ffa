"""Re-pricing history: what attempts that are in the ledger cost by other prices.

Their tokens stay what they are. An attempt that the new prices say nothing of keeps what it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glmgate.policy.ledger import Counted
from glmgate.policy.prices import Prices
from glmgate.wire.charge import Charge


@dataclass(frozen=True, slots=True)
class Repriced:
    """An attempt whose charge changes."""

    id: str
    before: Charge
    after: Charge


def repriced(rows: Iterable[Counted], prices: Prices) -> Iterator[Repriced]:
    """The attempts that cost something else by `prices`, each at the price that was in force when it was made."""
    for row in rows:
        after = prices.charge(row.upstream, row.model, row.at, row.charge)
        if after.amount is not None and after != row.charge:
            yield Repriced(row.id, row.charge, after)
