"""Limits: how many requests and tokens in a minute, and how many requests at a time.

From the terms of those who ask to asks of counters, and from their states to headers and refusals. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec

from glmgate.errors import CapacityExceeded
from glmgate.policy.counters import Bucket, Slot, State
from glmgate.wire.headroom import Headroom, Room
from glmgate.wire.terms import Scope

Kind = Literal["requests", "tokens", "in_flight"]
KINDS: Final[tuple[Kind, ...]] = ("in_flight", "requests", "tokens")

_WORDS: Final[dict[Kind, str]] = {
    "requests": "requests per minute",
    "tokens": "tokens per minute",
    "in_flight": "requests in flight",
}
# Z.AI's numbers (contract 3.5): too many at a time, too many in a time, a limit in general.
_ZAI: Final[dict[Kind, str]] = {"in_flight": "1302", "requests": "1303", "tokens": "1305"}


class Limit(msgspec.Struct, frozen=True):
    """A limit of one scope, and what is asked of it for one request."""

    kind: Kind
    scope: Scope
    ask: Bucket | Slot


@lru_cache(maxsize=16_384)
def limits_of(scope: Scope) -> tuple[Limit, ...]:
    """The limits of a scope, with one request asked of each; how many tokens a request has is not known here."""
    terms, found = scope.terms, []
    if terms.in_flight is not None:
        found.append(Limit("in_flight", scope, Slot(_name("slots", scope), terms.in_flight)))
    if terms.rpm is not None:
        found.append(Limit("requests", scope, Bucket(_name("rpm", scope), terms.rpm)))
    if terms.tpm is not None:
        found.append(Limit("tokens", scope, Bucket(_name("tpm", scope), terms.tpm, 0)))
    return tuple(found)


def limits(scopes: Iterable[Scope], *, tokens: int, guessed: bool = False) -> list[Limit]:
    """All limits that hold for a request of about so many tokens.

    Where they are `guessed`, because it does not say how long its answer may be, no limit is too small for it.
    """
    found = []
    for scope in scopes:
        terms = scope.terms
        if terms.in_flight is None and terms.rpm is None and terms.tpm is None:
            continue  # the look-up takes longer than this
        for limit in limits_of(scope):
            if limit.kind == "tokens":
                most = limit.ask.limit
                found.append(
                    Limit("tokens", scope, Bucket(limit.ask.name, most, min(tokens, most) if guessed else tokens))
                )
            else:
                found.append(limit)
    return found


def share_of(limit: Limit, share: float) -> Bucket | Slot:
    """The ask of a limit where one process grants a share of it by itself; never less than one request."""
    ask = limit.ask
    part = max(1, math.floor(ask.limit * share)) if ask.limit > 0 else 0
    if isinstance(ask, Slot):
        return Slot(ask.name, part)
    # Tokens that are more than the share are let through once the share is whole: the limit itself would allow them.
    return Bucket(ask.name, part, min(ask.amount, part) if ask.amount <= ask.limit else ask.amount, ask.per_s)


def headroom(limits: Sequence[Limit], states: Sequence[State]) -> Headroom | None:
    """What is left, of the scope where it is least; None where neither requests nor tokens are limited."""
    rooms: dict[Kind, Room] = {}
    for limit, state in zip(limits, states, strict=False):
        if limit.kind == "in_flight":
            continue
        room = Room(limit.ask.limit, max(0, state.remaining), state.reset_s)
        before = rooms.get(limit.kind)
        if before is None or (room.remaining, room.limit) < (before.remaining, before.limit):
            rooms[limit.kind] = room
    return Headroom(rooms.get("requests"), rooms.get("tokens")) if rooms else None


def refusal(limit: Limit, state: State) -> CapacityExceeded:
    """The error of a limit that is reached: which one of whom, how much it is, and when to come back."""
    whose = f"{limit.scope.level} {limit.scope.id!r}"
    words = _WORDS[limit.kind]
    if isinstance(limit.ask, Bucket) and limit.kind == "tokens" and limit.ask.amount > limit.ask.limit:
        return CapacityExceeded(
            f"Request too large for the {whose}: it may take {limit.ask.amount} tokens, and the limit is "
            f"{limit.ask.limit} {words}. Send less text or set a smaller 'max_tokens'.",
            zai_code=_ZAI["tokens"],
            retry=False,
        )
    if math.isinf(state.wait_s):
        return CapacityExceeded(
            f"The {whose} may have {limit.ask.limit} {words}: it is closed.", zai_code=_ZAI[limit.kind], retry=False
        )
    return CapacityExceeded(
        f"Rate limit reached for the {whose}: {limit.ask.limit} {words}. Try again in {_seconds(state.wait_s)}.",
        zai_code=_ZAI[limit.kind],
        retry_after_s=state.wait_s,
    )


def _name(kind: str, scope: Scope) -> str:
    return f"{kind}:{scope.level}:{scope.id}"


def _seconds(seconds: float) -> str:
    return f"{math.ceil(seconds * 1000)}ms" if seconds < 1 else f"{math.ceil(seconds * 100) / 100:g}s"
