"""What a server says of itself (`GET /glmgate/now`), as values; members that a newer one adds are not looked at.

How it is shown is `view`.
"""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, frozen=True):
    """A request under way."""

    key_id: str = ""
    model: str = ""
    deployment: str = ""
    endpoint: str = ""
    state: str = ""
    age_s: float = 0.0
    tokens: int = 0
    tokens_per_s: float = 0.0


class Credential(msgspec.Struct, frozen=True):
    """A credential of an upstream: its calls in flight, of how many."""

    place: int = 0
    in_flight: int = 0
    slots: int = 0
    parked: bool = False


class Upstream(msgspec.Struct, frozen=True):
    """An upstream, and who waits for a slot of it."""

    name: str
    waiting: int = 0
    credentials: tuple[Credential, ...] = ()


class Engine(msgspec.Struct, frozen=True):
    """A model of the server's own."""

    name: str
    state: str = ""
    busy: int = 0
    slots: int = 0
    waiting: int = 0


class Minute(msgspec.Struct, frozen=True):
    """What ended in the last minute."""

    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Now(msgspec.Struct, frozen=True):
    """All of it."""

    in_flight: int
    tokens_per_s: float = 0.0
    requests: tuple[Request, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    breakers: dict[str, str] = {}
    engines: tuple[Engine, ...] = ()
    minute: Minute = Minute()
