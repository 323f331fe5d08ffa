"""What is told of limits and budgets: who was refused, which store was away, which budget is overrun.

Numbers and words of ours only; what happens then is decided in `policy` and the gateway.
"""

from __future__ import annotations

from typing import Protocol

from prometheus_client import CollectorRegistry, Counter


class LimitsWatch(Protocol):
    """Is told what becomes of requests at limits. `kind` is a limit's kind or `budget`, `level` whose it is."""

    def refused(self, kind: str, level: str) -> None:
        """A request was refused because of one."""
        ...

    def failed_open(self, kind: str) -> None:
        """A request was let through by a share of this process alone, because the store is away."""
        ...

    def failed_closed(self, kind: str) -> None:
        """A request was refused because the store is away."""
        ...

    def overrun(self, level: str, unit: str) -> None:
        """A request was let through though a budget that only warns is spent."""
        ...


class NullLimitsWatch:
    """Tells nobody."""

    def refused(self, kind: str, level: str) -> None:
        """Do nothing."""

    def failed_open(self, kind: str) -> None:
        """Do nothing."""

    def failed_closed(self, kind: str) -> None:
        """Do nothing."""

    def overrun(self, level: str, unit: str) -> None:
        """Do nothing."""


class LimitMetrics(LimitsWatch):
    """Counts all of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter(
            "glmgate_limits_refused",
            "Requests refused because of a limit or a budget, by whose it is.",
            ["kind", "level"],
            registry=registry,
        )
        self._open = Counter(
            "glmgate_limits_failed_open",
            "Requests let through by a local share while the store of the limits was away.",
            ["kind"],
            registry=registry,
        )
        self._closed = Counter(
            "glmgate_limits_failed_closed",
            "Requests refused while the store of the limits was away.",
            ["kind"],
            registry=registry,
        )
        self._overrun = Counter(
            "glmgate_budget_overruns",
            "Requests let through though a budget that only warns is spent.",
            ["level", "unit"],
            registry=registry,
        )

    def refused(self, kind: str, level: str) -> None:
        """Count it."""
        self._refused.labels(kind, level).inc()

    def failed_open(self, kind: str) -> None:
        """Count it."""
        self._open.labels(kind).inc()

    def failed_closed(self, kind: str) -> None:
        """Count it."""
        self._closed.labels(kind).inc()

    def overrun(self, level: str, unit: str) -> None:
        """Count it."""
        self._overrun.labels(level, unit).inc()
