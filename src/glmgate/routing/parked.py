"""What the client is told when every credential of an upstream is parked. Pure: times are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from glmgate.errors import CapacityExceeded, CredentialRefused, GlmgateError, PermissionRefused, QuotaExhausted
from glmgate.routing.parking import Parking

_ADVICE: Final = (
    "'glmgate doctor' shows where each of them works; one of another plan or surface is the commonest cause."
)


# What holds for longer, and needs a person, is told before what passes by itself.
_WORST: Final[tuple[tuple[type[GlmgateError], str], ...]] = (
    (QuotaExhausted, "No credential of {name!r} has money or allowance left."),
    (CredentialRefused, "{name!r} refuses every credential of ours."),
    (PermissionRefused, "{name!r} refuses our account."),
)


def all_parked(name: str, parked: Sequence[Parking], *, now: float, busy: type[CapacityExceeded]) -> GlmgateError:
    """The error for requests to `name`: the worst of what had the credentials parked, or a limit, told as `busy`.

    A reset that a service stated is told; one that was guessed is not, and then asking again does not help.
    """
    retry_after_s = _soonest(parked, now)
    when = "When that ends is not known." if retry_after_s is None else f"The first is free in {retry_after_s:.0f} s."
    reasons = [one.reason for one in parked if one.reason is not None]
    for kind, begins in _WORST:
        for reason in reasons:
            if isinstance(reason, kind):
                message = f"{begins.format(name=name)} {when} {_ADVICE}"
                error = kind(message, code=reason.code, zai_code=reason.zai_code, retry_after_s=retry_after_s)
                error.remedy = "next"  # nobody was asked, so there is nothing to park
                return error
    return busy(
        f"Every credential of {name!r} has reached its limit. {when}",
        retry_after_s=retry_after_s,
        retry=False if retry_after_s is None else None,
    )


def _soonest(parked: Sequence[Parking], now: float) -> float | None:
    """Seconds until the first reset that a service stated."""
    resets = [until for one in parked if one.stated and (until := one.until(now)) is not None]
    return min(resets) - now if resets else None
