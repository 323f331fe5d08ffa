"""What is told when every credential is parked."""

from __future__ import annotations

import pytest

from glmgate.errors import CapacityExceeded, CredentialRefused, GlmgateError, PermissionRefused, QuotaExhausted
from glmgate.routing.interfaces import NoSlot
from glmgate.routing.parked import all_parked
from glmgate.routing.parking import Parking

NOW = 1_800_000_000.0


def parking(reason: GlmgateError | None, ahead_s: float | None) -> Parking:
    """A credential that is parked for it."""
    one = Parking()
    one.park(None if ahead_s is None else NOW + ahead_s, reason, now=NOW)
    return one


EMPTY, REFUSED, DAY = QuotaExhausted("Empty."), CredentialRefused("Bad key."), CapacityExceeded("Today's are used up.")


LOCKED = PermissionRefused("The account is locked.", zai_code="1112")


@pytest.mark.parametrize(
    ("reasons", "kind"),
    [
        ([EMPTY, REFUSED, DAY], QuotaExhausted),
        ([DAY, LOCKED, REFUSED], CredentialRefused),
        ([DAY, LOCKED], PermissionRefused),
        ([DAY, None], NoSlot),
        ([None], NoSlot),
    ],
)
def test_the_worst_reason_is_told(reasons: list[GlmgateError | None], kind: type[GlmgateError]) -> None:
    """In whatever order they came."""
    for order in (reasons, reasons[::-1]):
        error = all_parked("main", [parking(reason, None) for reason in order], now=NOW, busy=NoSlot)
        assert type(error) is kind
        assert "main" in error.message
        assert (error.retry, error.retry_after_s, error.remedy) == (False, None, "next")
        assert error.zai_code in {reason.zai_code for reason in reasons if reason is not None} or kind is NoSlot


def test_the_soonest_reset_that_was_stated_is_told() -> None:
    """A guess of ours is none, even where it is sooner."""
    error = all_parked("main", [parking(DAY, 900), parking(DAY, 600), parking(EMPTY, None)], now=NOW, busy=NoSlot)
    assert error.retry_after_s == 600
    assert "600 s" in error.message
