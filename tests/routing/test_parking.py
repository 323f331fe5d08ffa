"""When a credential may be asked again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import CapacityExceeded, QuotaExhausted
from glmgate.routing.parking import Parking

NOW = 1_800_000_000.0


def test_a_stated_reset_is_obeyed_to_the_second() -> None:
    """Nothing before it, everything from it on."""
    parking = Parking()
    reason = QuotaExhausted("The week's allowance is used up.")
    parking.park(NOW + 100, reason, now=NOW)
    assert parking.is_parked(NOW + 99.9)
    assert not parking.is_parked(NOW + 100)
    assert parking.until(NOW) == NOW + 100
    assert parking.reason is reason
    assert parking.stated


@pytest.mark.parametrize("until", [None, NOW - 1, NOW])
def test_an_unknown_reset_is_guessed_for_longer_each_time(until: float | None) -> None:
    """5 minutes, then 10, up to an hour; a stamp that is over is as good as none."""
    parking = Parking()
    now, waits = NOW, []
    for _ in range(6):
        parking.park(until, None, now=now)
        end = parking.until(now)
        assert end is not None
        waits.append(end - now)
        now = end
    assert waits == [300, 600, 1200, 2400, 3600, 3600]
    assert not parking.stated


def test_an_answer_ends_the_growth() -> None:
    """But not one that began before the park and comes during it."""
    parking = Parking()
    parking.park(None, None, now=NOW)
    parking.went_well(now=NOW + 1)
    parking.park(None, None, now=NOW + 300)
    assert parking.until(NOW + 300) == NOW + 900
    parking.went_well(now=NOW + 900)
    parking.park(None, None, now=NOW + 900)
    assert parking.until(NOW + 900) == NOW + 1200


def test_calls_that_fail_together_park_once() -> None:
    """Three answers of 1113 are one empty account."""
    parking = Parking()
    for _ in range(3):
        parking.park(None, None, now=NOW)
    assert parking.until(NOW) == NOW + 300


def test_what_the_service_states_counts_more_than_a_guess() -> None:
    """In either order; of two stated resets the later one holds."""
    parking = Parking()
    parking.park(None, None, now=NOW)
    parking.park(NOW + 60, None, now=NOW)
    assert parking.until(NOW) == NOW + 60
    parking.park(None, None, now=NOW)
    parking.park(NOW + 90, None, now=NOW)
    parking.park(NOW + 70, None, now=NOW)
    assert parking.until(NOW) == NOW + 90


def test_a_stamp_beyond_any_plan_is_bounded() -> None:
    """It was misread."""
    parking = Parking()
    parking.park(NOW + 1e9, None, now=NOW)
    assert parking.until(NOW) == NOW + 35 * 86400


def test_resting_is_no_parking() -> None:
    """It only delays."""
    parking = Parking()
    parking.park(NOW + 10, CapacityExceeded("Too fast."), now=NOW)
    parking.rest(NOW + 20)
    parking.rest(NOW + 5)
    assert parking.next_change(NOW) == NOW + 10
    assert parking.next_change(NOW + 10) == NOW + 20
    assert parking.next_change(NOW + 20) is None
    assert not parking.is_parked(NOW + 10)
    assert not parking.is_ready(NOW + 10)
    assert parking.is_ready(NOW + 20)


@given(st.lists(st.tuples(st.none() | st.floats(-100, 1e7), st.floats(0, 2000)), min_size=1, max_size=20))
def test_after_a_park_it_is_never_ready_at_once(parks: list[tuple[float | None, float]]) -> None:
    """And never gone for longer than any plan's window."""
    parking, now = Parking(), NOW
    for ahead, seconds in parks:
        parking.park(None if ahead is None else now + ahead, None, now=now)
        until = parking.until(now)
        assert until is not None
        assert now < until <= now + 36 * 86400
        now += seconds
