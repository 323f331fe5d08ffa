"""The settings of what is remembered and limited, `[reasoning]`, `[cache]`, `[limits]`: types, defaults, meanings.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

_MIB: Final = 1024 * 1024
Away = Literal["open", "closed"]
"""What happens while a store is away: requests are let through by a local share, or refused."""
CounterStore = Literal["auto", "memory", "file", "database", "redis"]
"""Where limits and budgets are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningSettings:
    """What models thought, kept for clients that do not send it back. Whether it is, each model's `remember` says."""

    ttl_s: Annotated[float, "Seconds that a thought is kept."] = 86_400.0
    most_bytes: Annotated[int, "Bytes of all thoughts in the database; the oldest make room."] = 256 * _MIB
    front_bytes: Annotated[int, "Bytes of thoughts that each worker keeps in memory."] = 16 * _MIB
    longest_bytes: Annotated[int, "Bytes of one thought; a longer one is not kept."] = _MIB // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Whole answers, kept for equal requests. Whether they are, each model's `cache` and the caller's header say."""

    most_bytes: Annotated[int, "Bytes of all answers that each worker keeps; those unused longest make room."] = (
        64 * _MIB
    )
    longest_bytes: Annotated[int, "Bytes of one answer; a longer one is not kept."] = _MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """Where limits and budgets are counted, and what holds while the store that counts them is away.

    The limits themselves stand in the terms of organisations, projects and keys.
    """

    store: Annotated[
        CounterStore,
        "Where they are counted: `redis` by [storage] redis_url, `database` in PostgreSQL, `file` for several servers "
        "of one machine, `memory` for one with all its workers; `auto` takes the first that there is and is needed.",
    ] = "auto"

    requests: Annotated[Away, "Requests per minute: `open` grants a local share, `closed` refuses."] = "open"
    tokens: Annotated[Away, "Tokens per minute, likewise."] = "open"
    in_flight: Annotated[Away, "Requests in flight, likewise."] = "open"
    budgets: Annotated[Away, "Budgets: `closed` refuses, `open` lets everything through, which may overrun them."] = (
        "closed"
    )
    share: Annotated[float, "The share of a limit that each process grants by itself, from above 0 to 1."] = 0.5
