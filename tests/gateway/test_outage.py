"""Tests of what holds while the store of the limits is away."""

from __future__ import annotations

import pytest
import structlog

from glmgate.errors import CapacityExceeded, Unavailable
from glmgate.gateway.outage import AWAY_S, Outage
from glmgate.gateway.wanted import Wanted
from glmgate.policy.settings import LimitSettings
from glmgate.wire.terms import Scope, Terms
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeLimitsWatch
from tests.gateway.test_wanted import SCOPES, asked

AWAY = Unavailable("It is away.")
LIMITED = (Scope("key", "k", Terms(rpm=2)),)


def outage(settings: LimitSettings) -> tuple[Outage, FakeLimitsWatch, FakeClock]:
    """An outage that has not begun."""
    watch, clock = FakeLimitsWatch(), FakeClock()
    return Outage(settings, watch, clock), watch, clock


def test_a_store_that_failed_is_left_alone_for_a_while() -> None:
    """Then it is asked again; the log says when it began and when it was over, and not each request."""
    seen = []
    with structlog.testing.capture_logs() as lines:
        away, _, clock = outage(LimitSettings())
        seen.append(away.is_on)
        for _ in range(3):
            away.began(AWAY)
            seen.append(away.is_on)
            clock.advance(AWAY_S)
            seen.append(away.is_on)
        away.over()
        away.over()
    assert seen == [False, *[True, False] * 3]
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("the store of the limits is away", "error"),
        ("the store of the limits is back", "info"),
    ]


async def test_a_share_is_exact_too() -> None:
    """By counters of this process alone, which are settled like any other."""
    away, watch, clock = outage(LimitSettings(share=1.0))
    first = await away.admit(asked(LIMITED), AWAY)
    await away.admit(asked(LIMITED), AWAY)
    with pytest.raises(CapacityExceeded):
        await away.admit(asked(LIMITED), AWAY)
    await first.close()
    clock.advance(60)
    await away.admit(asked(LIMITED), AWAY)
    assert watch.told.count("open requests") == 4


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (LimitSettings(), "closed budgets"),
        (LimitSettings(requests="closed"), "closed requests"),
        (LimitSettings(tokens="closed", budgets="open"), "closed tokens"),
    ],
)
async def test_what_is_closed_is_refused(settings: LimitSettings, told: str) -> None:
    """The first of it is told, and nothing is taken."""
    away, watch, _ = outage(settings)
    found: Wanted = asked(SCOPES)
    with pytest.raises(Unavailable) as caught:
        await away.admit(found, AWAY)
    assert (caught.value.code, caught.value.retry_after_s) == ("limits_unavailable", AWAY_S)
    assert caught.value.__cause__ is AWAY
    assert watch.told == [told]
    assert len(away.counting._counters) == 0  # type: ignore[arg-type]  # it is memory's
