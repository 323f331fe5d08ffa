"""How many calls a credential takes at once, learned by additive increase and multiplicative decrease.

Pure: times are given. Services do not publish these limits, and change them (peers section 3: 5, then 2, then 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CUT: Final = 0.5
# A level that was refused is not tried again for this long, twice as long after each refusal there: a service that
# takes one call at a time would otherwise refuse every third request.
_HOLD_S: Final = 60.0
_LONGEST_HOLD_S: Final = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Learn:
    """The bounds within which a limit is learned, in calls at once, and where it begins."""

    least: int = 1
    most: int = 64
    start: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for bounds that contradict each other."""
        if not 1 <= self.least <= self.start <= self.most:
            raise ValueError(f"{self!r} is none: 1 <= least <= start <= most must hold.")

    @classmethod
    def of(cls, limit: int | Learn) -> Learn:
        """The bounds of a fixed limit, which is never exceeded but may shrink for a while; or those given."""
        return limit if isinstance(limit, Learn) else cls(least=1, most=limit, start=limit)


@dataclass(frozen=True, slots=True)
class Stake:
    """How a call was begun: as which of the calls in flight (1: the only one), in which `era` of the limit."""

    at: int
    era: int


class LearnedLimit:
    """One credential's limit."""

    __slots__ = ("_bounds", "_era", "_hold_s", "_limit", "_probe_at", "_refused_at")

    def __init__(self, bounds: Learn) -> None:
        self._bounds = bounds
        self._limit = float(bounds.start)
        self._era = 0
        self._refused_at: int | None = None
        self._probe_at = 0.0
        self._hold_s = _HOLD_S

    @property
    def calls(self) -> int:
        """Calls at once that are allowed now; at least one."""
        return int(self._limit)

    def stake(self, at: int) -> Stake:
        """What has to be known of a call that begins now."""
        return Stake(at, self._era)

    def rebound(self, bounds: Learn) -> None:
        """Go on within other bounds. A fixed limit that was raised begins where it is allowed to."""
        if bounds != self._bounds:
            fixed = bounds.least == 1 and bounds.start == bounds.most
            wanted = float(bounds.start) if fixed else self._limit
            self._bounds = bounds
            self._limit = min(max(wanted, bounds.least), bounds.most)

    def went_well(self, stake: Stake, *, in_flight: int, now: float) -> None:
        """A call got its answer, with so many in flight. Only where the whole limit is used may more be tried."""
        if self._refused_at is not None and stake.era == self._era and stake.at >= self._refused_at:
            self._refused_at, self._hold_s = None, _HOLD_S
        if max(stake.at, in_flight) >= self.calls:
            self._limit = max(self._limit, min(self._ceiling(now), self._limit + 1.0 / self._limit))

    def overloaded(self, stake: Stake, *, now: float) -> None:
        """A call was refused for the rate. Calls that began together are refused together: they count once."""
        if stake.era != self._era:
            return
        self._era += 1
        self._hold_s = _HOLD_S if self._refused_at is None else min(_LONGEST_HOLD_S, self._hold_s * 2)
        self._refused_at = stake.at
        self._probe_at = now + self._hold_s
        self._limit = max(float(self._bounds.least), min(self._limit, stake.at) * _CUT)

    def _ceiling(self, now: float) -> float:
        most = self._bounds.most
        if self._refused_at is not None and now < self._probe_at:
            most = min(most, max(self._bounds.least, self._refused_at - 1))
        return float(most)
