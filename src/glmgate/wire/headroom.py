"""What is left of the limits of those who ask, as a value, and in the words of OpenAI's headers.

How it is counted is decided in `policy`.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

_REQUESTS: Final = (b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests")
_TOKENS: Final = (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens")


class Room(msgspec.Struct, frozen=True, gc=False):
    """One limit: how much it is in a minute, what is left of it, and the seconds until all of it is there again."""

    limit: int
    remaining: int
    reset_s: float


class Headroom(msgspec.Struct, frozen=True):
    """The limits that are told in headers; None: there is none of that kind."""

    requests: Room | None = None
    tokens: Room | None = None


def headers(headroom: Headroom) -> list[tuple[bytes, bytes]]:
    """OpenAI's headers for it."""
    found: list[tuple[bytes, bytes]] = []
    for (limit, remaining, reset), room in ((_REQUESTS, headroom.requests), (_TOKENS, headroom.tokens)):
        if room is not None:
            found += ((limit, b"%d" % room.limit), (remaining, b"%d" % room.remaining))
            if math.isfinite(room.reset_s):
                found.append((reset, duration(room.reset_s).encode()))
    return found


def duration(seconds: float) -> str:
    """A time as OpenAI writes it: `0s`, `20ms`, `1s`, `6m0s`, `1h2m3.5s`."""
    ms = math.ceil(max(0.0, seconds) * 1000)
    if 0 < ms < 1000:
        return f"{ms}ms"
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    said = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{said}"
    return f"{minutes}m{said}" if minutes else said
