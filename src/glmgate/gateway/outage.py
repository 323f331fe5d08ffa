"""Outage: what holds while the store of limits and budgets is away, as the settings say for each kind.

Requests limits fail open to a share that this process grants by itself, or closed; each is told.
"""

from __future__ import annotations

from typing import Final, cast

from glmgate.errors import Unavailable
from glmgate.gateway.counting import Counting
from glmgate.gateway.reservation import Reservation
from glmgate.gateway.wanted import Wanted
from glmgate.policy import limits
from glmgate.policy.budgets import NullPast
from glmgate.policy.counters import MemoryCounters, Refused
from glmgate.policy.interfaces import Clock
from glmgate.policy.settings import Away, LimitSettings
from glmgate.telemetry.limits import LimitsWatch
from glmgate.telemetry.log import get_logger

AWAY_S: Final = 1.0
"""How long a store that failed is not asked again: requests must not wait for it one after the other."""


class Outage:
    """Knows whether the store is away, and lets requests in meanwhile."""

    def __init__(self, settings: LimitSettings, watch: LimitsWatch, clock: Clock) -> None:
        self.counting = Counting(MemoryCounters(clock=clock), past=NullPast())
        self._settings = settings
        self._watch = watch
        self._clock = clock
        self._until = 0.0
        self._log = get_logger("glmgate.limits")

    @property
    def is_on(self) -> bool:
        """Whether the store is left alone now."""
        return self._clock() < self._until

    def began(self, error: Unavailable) -> None:
        """The store has failed."""
        if not self._until:
            self._log.error("the store of the limits is away", reason=error.message)
        self._until = self._clock() + AWAY_S

    def over(self) -> None:
        """The store has answered."""
        if self._until:
            self._until = 0.0
            self._log.info("the store of the limits is back")

    async def admit(self, wanted: Wanted, error: Unavailable) -> Reservation:
        """Let a request in by a local share. Raises Unavailable where one of its limits is closed meanwhile."""
        kinds = wanted.kinds
        for kind in kinds:
            if cast("Away", getattr(self._settings, kind)) == "closed":
                self._watch.failed_closed(kind)
                raise Unavailable(
                    f"What is left of the limits ({kind.replace('_', ' ')}) cannot be told, because their store is "
                    "away. Try again.",
                    code="limits_unavailable",
                    retry_after_s=AWAY_S,
                ) from error
        for kind in kinds:
            self._watch.failed_open(kind)
        part = wanted.shared(self._settings.share)
        outcome = await self.counting.take(part.call.uid, part.asks, {})
        if isinstance(outcome, Refused):
            raise await part.refusal(outcome, self.counting, self._watch)
        part.call.headroom = limits.headroom(part.limits, outcome.states)
        return Reservation(self.counting, self._watch, part.call.uid, part.wish, part.limits, ())
