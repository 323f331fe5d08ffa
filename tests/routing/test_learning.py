"""A limit that is found by trying: up by one after success, down by half after a rate error."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.routing.learning import Learn, LearnedLimit, Stake


def load(limit: LearnedLimit, allowed: int, *, now: float) -> int:
    """One round of as many calls as the limit allows, at a service that takes `allowed`; how many were refused."""
    stakes = [limit.stake(at) for at in range(1, limit.calls + 1)]
    for stake in stakes:
        if stake.at > allowed:
            limit.overloaded(stake, now=now)
        else:
            limit.went_well(stake, in_flight=len(stakes), now=now)
    return max(0, len(stakes) - allowed)


@pytest.mark.parametrize("allowed", [1, 2, 5, 16])
def test_the_limit_of_a_service_is_found(allowed: int) -> None:
    """From one call at a time upwards, and then it is kept without being refused again."""
    limit = LearnedLimit(Learn(most=64))
    assert limit.calls == 1
    for _ in range(100):
        load(limit, allowed, now=0.0)
    assert limit.calls == allowed
    assert sum(load(limit, allowed, now=1.0) for _ in range(50)) == 0


def test_a_refused_level_is_tried_again_later_and_less_and_less_often() -> None:
    """A service that takes one call at a time would otherwise refuse every third request."""
    limit = LearnedLimit(Learn())
    refused_at = [second for second in range(3600) if load(limit, 1, now=float(second))]
    gaps = [later - earlier for earlier, later in pairwise(refused_at)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 60
    assert len(refused_at) <= 10


def test_a_limit_that_was_raised_is_noticed() -> None:
    """When a refused level is taken after all, the limit grows beyond it."""
    limit = LearnedLimit(Learn())
    for _ in range(10):
        load(limit, 2, now=0.0)
    assert limit.calls == 2
    for _ in range(200):
        load(limit, 8, now=61.0)
    assert limit.calls == 8


def test_calls_that_fail_together_shrink_the_limit_once() -> None:
    """Eight calls in flight that hear the same say one thing."""
    limit = LearnedLimit(Learn.of(8))
    stakes = [limit.stake(at) for at in range(1, 9)]
    for stake in stakes[1:]:
        limit.overloaded(stake, now=0.0)
    assert limit.calls == 1  # the second of them was refused, so one call at a time is what is known to go
    limit = LearnedLimit(Learn.of(8))
    stakes = [limit.stake(at) for at in range(1, 9)]
    for stake in reversed(stakes):
        limit.overloaded(stake, now=0.0)
    assert limit.calls == 4


def test_success_at_less_than_the_limit_says_nothing() -> None:
    """A quiet hour is no reason to allow more."""
    limit = LearnedLimit(Learn(most=8, start=4))
    for _ in range(100):
        limit.went_well(limit.stake(2), in_flight=3, now=0.0)
    assert limit.calls == 4


def test_a_fixed_limit_comes_back_but_is_never_exceeded() -> None:
    """A number in the settings is the most."""
    limit = LearnedLimit(Learn.of(4))
    limit.overloaded(limit.stake(4), now=0.0)
    assert limit.calls == 2
    for second in range(100):
        load(limit, 100, now=100.0 + second)
    assert limit.calls == 4


def test_other_bounds_hold_at_once() -> None:
    """A learned limit stays as far as they allow; a fixed one is the new number."""
    limit = LearnedLimit(Learn(start=8))
    limit.rebound(Learn(most=5))
    assert limit.calls == 5
    limit.rebound(Learn.of(20))
    assert limit.calls == 20


@pytest.mark.parametrize("bounds", [{"least": 0}, {"start": 0}, {"least": 4, "start": 2}, {"most": 2, "start": 3}])
def test_contradicting_bounds_are_refused(bounds: dict[str, int]) -> None:
    """With the whole of them named."""
    with pytest.raises(ValueError, match="least <= start <= most"):
        Learn(**bounds)


@given(
    st.integers(1, 6),
    st.integers(0, 6),
    st.lists(st.tuples(st.booleans(), st.integers(1, 20), st.integers(0, 3), st.floats(0, 500)), max_size=60),
)
def test_the_bounds_always_hold(least: int, more: int, told: list[tuple[bool, int, int, float]]) -> None:
    """Whatever is told, in whatever order, and however late."""
    limit = LearnedLimit(Learn(least=least, most=least + more, start=least))
    now = 0.0
    for good, at, age, seconds in told:
        now += seconds
        fresh = limit.stake(at)
        stake = Stake(fresh.at, fresh.era - age)
        if good:
            limit.went_well(stake, in_flight=at, now=now)
        else:
            limit.overloaded(stake, now=now)
        assert least <= limit.calls <= least + more
