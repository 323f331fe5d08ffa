"""Endings: how a request ended, decided from what was seen of it. Exactly one for each request; no I/O, no clock.

What a request was answered from is its ending where the answer came to its own end: a hit and a shared answer cost
nothing, whatever their finish reason is. Only what a filter stopped is called so wherever it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from glmgate.errors import (
    AnswerTruncated,
    CapacityExceeded,
    ContentFiltered,
    DeadlineExceeded,
    QuotaExhausted,
    RequestRefused,
    Unavailable,
)
from glmgate.wire.delta import Delta, FinishReason
from glmgate.wire.engine import CacheUse


class Ending(StrEnum):
    """How a request ended. "Before" and "after" mean: before or after the first delta."""

    COMPLETED = "completed"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    FILTERED = "filtered"
    REFUSED = "refused"
    REJECTED = "rejected"
    CLIENT_LEFT_BEFORE = "client_left_before"
    CLIENT_LEFT_AFTER = "client_left_after"
    FAILED_BEFORE = "failed_before"
    FAILED_AFTER = "failed_after"
    TRUNCATED = "truncated"
    TIMED_OUT = "timed_out"
    CACHE_HIT = "cache_hit"
    COALESCED = "coalesced"


REASONS: Final[Mapping[FinishReason, Ending]] = MappingProxyType(
    {
        "stop": Ending.COMPLETED,
        "tool_calls": Ending.TOOL_CALLS,
        "function_call": Ending.TOOL_CALLS,
        "length": Ending.LENGTH,
        "model_context_window_exceeded": Ending.LENGTH,
        "sensitive": Ending.FILTERED,
        "network_error": Ending.FAILED_AFTER,
    }
)
"""What an answer is called that came to its own end."""

USES: Final[Mapping[CacheUse, Ending]] = MappingProxyType({"hit": Ending.CACHE_HIT, "shared": Ending.COALESCED})
"""What it is called where it came from elsewhere."""

# The first that fits; before and after the first delta.
ERRORS: Final[tuple[tuple[tuple[type[Exception], ...], Ending, Ending], ...]] = (
    ((DeadlineExceeded,), Ending.TIMED_OUT, Ending.TIMED_OUT),
    ((ContentFiltered,), Ending.FILTERED, Ending.FILTERED),
    ((AnswerTruncated,), Ending.FAILED_BEFORE, Ending.TRUNCATED),
    ((RequestRefused,), Ending.REFUSED, Ending.FAILED_AFTER),
    ((CapacityExceeded, QuotaExhausted, Unavailable), Ending.REJECTED, Ending.FAILED_AFTER),
    ((Exception,), Ending.FAILED_BEFORE, Ending.FAILED_AFTER),
)
"""What a request is called that an error stopped."""

# Of several choices the least complete one names the request.
_LEAST_COMPLETE: Final = (Ending.FAILED_AFTER, Ending.FILTERED, Ending.LENGTH, Ending.TOOL_CALLS, Ending.COMPLETED)


class EndingWatch:
    """Watches one request's deltas and says, when it is over, how it ended.

    With several choices the request has completed when all have; the least complete one gives it its name.
    """

    __slots__ = ("_any", "_reasons")

    def __init__(self) -> None:
        self._any = False
        self._reasons: dict[int, FinishReason] = {}

    def feed(self, delta: Delta) -> None:
        """Take one delta that goes to the client."""
        self._any = self._any or delta.says_something
        if delta.finish_reason is not None:
            self._reasons[delta.choice] = delta.finish_reason

    @property
    def begun(self) -> bool:
        """True once a delta said something."""
        return self._any

    def finished(self, use: CacheUse | None = None) -> Ending:
        """The answer ended by itself; `use` is where it came from."""
        if not self._reasons:
            return Ending.TRUNCATED if self._any else Ending.FAILED_BEFORE
        endings = {REASONS[reason] for reason in self._reasons.values()}
        ending = next(each for each in _LEAST_COMPLETE if each in endings)
        return ending if ending in (Ending.FAILED_AFTER, Ending.FILTERED) else done(use, ending)

    def left(self) -> Ending:
        """The client went away, or stopped reading, before the answer's end."""
        return Ending.CLIENT_LEFT_AFTER if self._any else Ending.CLIENT_LEFT_BEFORE

    def failed(self, error: BaseException) -> Ending:
        """The request was stopped by `error`."""
        for kinds, before, after in ERRORS:
            if isinstance(error, kinds):
                return after if self._any else before
        return Ending.FAILED_AFTER if self._any else Ending.FAILED_BEFORE


def done(use: CacheUse | None, ending: Ending = Ending.COMPLETED) -> Ending:
    """The ending of an answer that came to its own end, by where it came from."""
    return ending if use is None else USES.get(use, ending)
