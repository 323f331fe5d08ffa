"""Endings: how a request ended, decided from what was seen of it. Exactly one for each request; no I/O, no clock."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from glmgate.errors import DeadlineExceeded, GlmgateError, RequestRefused
from glmgate.wire.delta import Delta, FinishReason


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
    TIMED_OUT = "timed_out"


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

    def finished(self) -> Ending:
        """The answer ended by itself."""
        endings = {_of_reason(reason) for reason in self._reasons.values()}
        for ending in (Ending.FAILED_AFTER, Ending.FILTERED, Ending.LENGTH, Ending.TOOL_CALLS):
            if ending in endings:
                return ending
        return Ending.COMPLETED if endings else self._failed()

    def left(self) -> Ending:
        """The client went away, or stopped reading, before the answer's end."""
        return Ending.CLIENT_LEFT_AFTER if self._any else Ending.CLIENT_LEFT_BEFORE

    def failed(self, error: BaseException) -> Ending:
        """The request was stopped by `error`."""
        if isinstance(error, DeadlineExceeded):
            return Ending.TIMED_OUT
        if isinstance(error, RequestRefused) and not self._any:
            return Ending.REFUSED
        if isinstance(error, GlmgateError) and error.status in {429, 503} and not self._any:
            return Ending.REJECTED
        return self._failed()

    def _failed(self) -> Ending:
        return Ending.FAILED_AFTER if self._any else Ending.FAILED_BEFORE


def _of_reason(reason: FinishReason) -> Ending:
    match reason:
        case "stop":
            return Ending.COMPLETED
        case "tool_calls" | "function_call":
            return Ending.TOOL_CALLS
        case "length" | "model_context_window_exceeded":
            return Ending.LENGTH
        case "sensitive":
            return Ending.FILTERED
        case "network_error":
            return Ending.FAILED_AFTER
        case _:
            assert_never(reason)
