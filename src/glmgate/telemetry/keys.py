"""What is told of the database that keys are looked up in: whether it is away, and who is let in meanwhile.

What happens then is decided in the gateway.
"""

from __future__ import annotations

from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge
from typing_extensions import override


class KeysWatch(Protocol):
    """Is told how keys are looked up."""

    def away(self, *, is_away: bool) -> None:
        """The database does not answer any more, or does again."""
        ...

    def remembered(self) -> None:
        """A key counted as it was last seen, because the database is away."""
        ...


class NullKeysWatch(KeysWatch):
    """Tells nobody."""

    @override
    def away(self, *, is_away: bool) -> None:
        """Do nothing."""

    @override
    def remembered(self) -> None:
        """Do nothing."""


class KeyMetrics(KeysWatch):
    """Shows all of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._away = Gauge(
            "glmgate_keys_away",
            "Processes that do not reach the database of the keys.",
            registry=registry,
        )
        self._remembered = Counter(
            "glmgate_keys_remembered",
            "Requests whose key counted as it was last seen, because the database was away.",
            registry=registry,
        )

    @override
    def away(self, *, is_away: bool) -> None:
        """Show it."""
        self._away.set(is_away)

    @override
    def remembered(self) -> None:
        """Count it."""
        self._remembered.inc()
