"""How long to wait before another try."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glmgate.routing.backoff import Backoff


def test_the_jitter_is_full() -> None:
    """Anything from nothing to the whole wait, and the whole doubles."""
    backoff = Backoff(base_s=1.0, longest_s=10.0)
    assert [backoff.delay_s(retry, lambda: 0.0) for retry in range(3)] == [0.0, 0.0, 0.0]
    assert [backoff.delay_s(retry, lambda: 0.5) for retry in range(5)] == [0.5, 1.0, 2.0, 4.0, 5.0]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_what_the_service_asked_for_is_the_least(retry: int, chance: float, asked_s: float) -> None:
    """And the longest wait bounds what is added, at any number of tries."""
    delay_s = Backoff().delay_s(retry, lambda: chance, at_least_s=asked_s)
    assert asked_s <= delay_s <= asked_s + 8.0
