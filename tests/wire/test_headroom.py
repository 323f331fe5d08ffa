"""Tests of the headers that tell what is left of the limits."""

from __future__ import annotations

import math

import pytest

from glmgate.wire.headroom import Headroom, Room, duration, headers


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0s"),
        (0.0004, "1ms"),
        (0.02, "20ms"),
        (1.0, "1s"),
        (6.5, "6.5s"),
        (59.9999, "1m0s"),
        (360.0, "6m0s"),
        (3723.5, "1h2m3.5s"),
        (-3.0, "0s"),
    ],
)
def test_times_are_written_as_openai_does(seconds: float, said: str) -> None:
    """Rounded up to a millisecond: who waits as told does not come too early."""
    assert duration(seconds) == said


def test_each_kind_that_is_limited_has_three_headers() -> None:
    """And one that is not has none."""
    assert headers(Headroom(Room(60, 59, 1.0), Room(150_000, 149_984, 0.006))) == [
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"59"),
        (b"x-ratelimit-reset-requests", b"1s"),
        (b"x-ratelimit-limit-tokens", b"150000"),
        (b"x-ratelimit-remaining-tokens", b"149984"),
        (b"x-ratelimit-reset-tokens", b"6ms"),
    ]
    assert headers(Headroom()) == []


def test_a_limit_that_is_never_reset_says_no_time() -> None:
    """As one of nothing."""
    assert [name for name, _ in headers(Headroom(Room(0, 0, math.inf)))] == [
        b"x-ratelimit-limit-requests",
        b"x-ratelimit-remaining-requests",
    ]
