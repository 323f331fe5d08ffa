"""When a credential may be asked again: parked until its reset, or resting for a moment. Pure: times are given.

Why it was parked is kept, so that whoever finds all of them parked can be told.
"""

from __future__ import annotations

from typing import Final

from glmgate.errors import GlmgateError

# Seconds, for a park whose end nobody stated: long enough that an empty account is asked a few hundred times a day at
# most (peers section 3: 1,400-1,700 pointless attempts a day), short enough that a top-up is soon noticed.
_UNSTATED_S: Final = 300.0
_LONGEST_UNSTATED_S: Final = 3600.0
# No plan's window is longer than a month; a reset beyond that is a stamp that was misread.
_LONGEST_S: Final = 35 * 86400.0


class Parking:
    """One credential's. Times are Unix seconds."""

    __slots__ = ("_unstated", "_until", "reason", "resting_until", "stated")

    def __init__(self) -> None:
        self._until = 0.0
        self._unstated = 0
        self.stated = False
        self.reason: GlmgateError | None = None
        self.resting_until = 0.0

    def park(self, until: float | None, reason: GlmgateError | None, *, now: float) -> None:
        """Leave it alone until `until`; where that is unknown or over, for 5 minutes, twice as long each further time.

        Calls that were in flight together fail together: what they say counts once, and a stated reset before a guess.
        """
        parked = self.is_parked(now)
        if until is not None and until > now:
            until = min(until, now + _LONGEST_S)
            self._until = max(self._until, until) if parked and self.stated else until
            self.stated, self.reason = True, reason
        elif not parked:
            self._until = now + min(_LONGEST_UNSTATED_S, _UNSTATED_S * 2**self._unstated)
            self._unstated = min(self._unstated + 1, 8)
            self.stated, self.reason = False, reason

    def rest(self, until: float) -> None:
        """Ask nothing before `until`; those who wait go on waiting."""
        self.resting_until = max(self.resting_until, until)

    def went_well(self, *, now: float) -> None:
        """It answered. A call that had begun before the park says nothing about it."""
        if not self.is_parked(now):
            self._unstated = 0

    def is_parked(self, now: float) -> bool:
        """Parked, and the reset has not come."""
        return now < self._until

    def is_ready(self, now: float) -> bool:
        """Neither parked nor resting."""
        return now >= self._until and now >= self.resting_until

    def until(self, now: float) -> float | None:
        """The reset that is awaited; None when it is not parked."""
        return self._until if now < self._until else None

    def next_change(self, now: float) -> float | None:
        """When something ends that holds it back now."""
        return min((at for at in (self._until, self.resting_until) if at > now), default=None)
