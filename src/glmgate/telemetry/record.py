"""What is known of one request when it has ended: the value behind its log line and its metrics.

No contents ever stand in it; who writes it where is decided by `log` and `metrics`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from glmgate.telemetry.flight import Flight
from glmgate.wire.charge import Charge
from glmgate.wire.delta import FinishReason, Usage
from glmgate.wire.engine import Attempt, CacheUse, Endpoint, FilterUse, Surface


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One finished request. Times are in seconds; `first_s` is the time to the first delta, None when none came.

    `model` is the name that was asked for, `deployment` who answered (empty: none was found), `ending` one word of
    `policy.endings.Ending`, `notes` the report of adaptations as text. `place` is the deployment that was used (empty
    for an engine of our own), `attempts` every call to one, `cache_use` what the cache had. `uid` is our own id of it,
    `charges` is what each of its attempts cost, and `organisation`, `project` and `tags` say whose it is. `token_s` is
    the mean time from one token to the next and `gap_s` the longest silence between two pieces, None where the answer
    came in one; `reasons` is why its choices ended, `trace_id` the trace (W3C) that it belongs to, and
    `filtered` how often each filter did what.
    """

    request_id: str
    key_id: str
    surface: Surface
    endpoint: Endpoint
    model: str
    deployment: str
    ending: str
    usage: Usage
    total_s: float
    first_s: float | None = None
    notes: tuple[str, ...] = ()
    error_code: str | None = None
    place: str | None = None
    attempts: tuple[Attempt, ...] = ()
    cache_use: CacheUse | None = None
    uid: str = ""
    organisation: str = "default"
    project: str = "default"
    tags: tuple[str, ...] = ()
    charges: tuple[Charge, ...] = ()
    token_s: float | None = None
    gap_s: float | None = None
    reasons: tuple[FinishReason, ...] = ()
    trace_id: str | None = None
    filtered: tuple[tuple[FilterUse, int], ...] = ()


class Observer(Protocol):
    """Told of each request when it begins and when it has ended."""

    def began(self, flight: Flight) -> None:
        """A request is in flight; `flight` is kept up to date until it has ended."""
        ...

    def ended(self, record: RequestRecord) -> None:
        """A request that began has ended. Called exactly once for each `began`."""
        ...


class NullObserver:
    """Watches nothing."""

    def began(self, flight: Flight) -> None:
        """Do nothing."""

    def ended(self, record: RequestRecord) -> None:
        """Do nothing."""
