"""Tests of patience with a hub: how long is waited, and what a Retry-After means."""

from __future__ import annotations

import pytest

from glmgate.weights.asking import Patience
from glmgate.weights.errors import PullFailed


def test_waits_grow_up_to_a_bound() -> None:
    """Each is twice the one before, less some chance, so that many do not come back at once."""
    patience = Patience(first_wait_s=1, longest_wait_s=10)
    for failures, longest in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 10.0), (50, 10.0)]:
        assert 0.75 * longest <= patience.wait_s(failures, None) <= longest


def test_what_the_hub_asks_for_is_waited() -> None:
    """Up to a bound, beyond which the user is told."""
    assert Patience().wait_s(1, 90.0) == 90.0
    with pytest.raises(PullFailed, match="9000 seconds"):
        Patience().wait_s(1, 9000.0)
