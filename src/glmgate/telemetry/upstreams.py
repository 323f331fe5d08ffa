"""What upstreams are like now, as values that metrics and `/readyz` are written from.

Who knows it tells it; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Breaker = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class CredentialNow:
    """One credential: its place in the list, its calls in flight, how many it may have, and whether it rests."""

    place: int
    in_flight: int
    limit: int
    parked: bool


@dataclass(frozen=True, slots=True)
class UpstreamNow:
    """One upstream: the requests that wait for a slot of it, and its credentials."""

    name: str
    waiting: int
    credentials: tuple[CredentialNow, ...] = ()


@dataclass(frozen=True, slots=True)
class UpstreamsNow:
    """All upstreams, and the breakers of their deployments by name."""

    upstreams: tuple[UpstreamNow, ...] = ()
    breakers: Mapping[str, Breaker] = field(default_factory=dict)


Look = Callable[[], UpstreamsNow]
"""Called when somebody looks."""
