"""Money as commands write it."""

from __future__ import annotations

import pytest

from glmgate.cli.ledger import money, plain_money
from glmgate.policy.ledger import Amount


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0.00"), (1, "0.000000001"), (1_500_000_000, "1.50"), (-2_000_000, "-0.002"), (10**15, "1000000.00")],
)
def test_money_is_exact(nano: int, text: str) -> None:
    """With as many decimals as it has, and two at least."""
    assert plain_money(nano) == text
    assert money(Amount("CNY", nano)) == f"CNY {text}"
