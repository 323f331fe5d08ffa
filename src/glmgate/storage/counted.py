"""What the stores of counters share: how what was found in a store becomes an outcome.

The arithmetic is the specification's (`policy.counters`); here it is only asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from glmgate.policy.counters import (
    Ask,
    Bucket,
    Outcome,
    Refused,
    Slot,
    State,
    Taken,
    Unloaded,
    judge_bucket,
    judge_slot,
    judge_spend,
)

SWEEP_S: Final = 60.0
"""How often a process has a store forget what says nothing any more."""


def owed_now(owed: int, at_ms: int, cap: int, *, now_ms: int) -> int:
    """What is left of a bucket's debt. A clock that was set back pays nothing back until it has caught up."""
    return max(0, owed - cap * max(0, now_ms - at_ms))


def unloaded(asks: Sequence[Ask], found: Sequence[int | None]) -> Unloaded | None:
    """The periods that the store does not know."""
    missing = tuple(ask.name for ask, number in zip(asks, found, strict=True) if number is None)
    return Unloaded(missing) if missing else None


def decided(
    asks: Sequence[Ask], found: Sequence[int | None], now: float
) -> tuple[Outcome, tuple[tuple[Ask, int], ...]]:
    """What becomes of the asks, and what is granted of each; nothing of any where one is refused.

    `found` is what was there before: what a bucket owes, the slots that others hold, what is used of a period.
    """
    states = []
    for index, (ask, number) in enumerate(zip(asks, found, strict=True)):
        state = _judge(ask, number or 0, now)
        if state.wait_s:
            return Refused(index, state), ()
        states.append(state)
    return Taken(tuple(states)), tuple((ask, state.granted) for ask, state in zip(asks, states, strict=True))


def _judge(ask: Ask, found: int, now: float) -> State:
    if isinstance(ask, Bucket):
        return judge_bucket(ask, found)
    return judge_slot(ask, found) if isinstance(ask, Slot) else judge_spend(ask, found, now)
