"""One attempt: from what came of an answer and how it stopped to its one outcome, and to what is known of its tokens.

Rule 1: which states there are and what ends in what stands in the two tables here, and nowhere else.
Rule 2: nothing is guessed here. What nobody told is said to be missing, with the text it was missing for (`estimates`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

import msgspec

from glmgate.errors import (
    AnswerTruncated,
    CapacityExceeded,
    CredentialRefused,
    DeadlineExceeded,
    QuotaExhausted,
    RequestRefused,
)
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Outcome

LIMITS: Final = (CapacityExceeded, QuotaExhausted, CredentialRefused)
"""A limit or an account was in the way; that says nothing about whether the deployment works."""


class State(Enum):
    """How far an answer has come."""

    ASKED = auto()
    """Nothing has come that says something."""
    BEGUN = auto()
    """The answer has begun."""
    FINISHED = auto()
    """A finish reason has come: what was asked for is there."""
    BROKEN = auto()
    """A finish reason has come that says that the service broke."""


class Heard(Enum):
    """What a delta tells of the state."""

    WORDS = auto()
    FINISH = auto()
    BREAK = auto()


class Stop(Enum):
    """How an attempt came to its end."""

    END = auto()
    """The deltas ended by themselves."""
    WHOLE = auto()
    """An answer without deltas is there."""
    LEFT = auto()
    """The reader left, or was cancelled."""
    REFUSED = auto()
    """The service did not take the request, or a limit was in the way."""
    TRUNCATED = auto()
    """The connection broke, or the stream ended before the answer."""
    TIMED_OUT = auto()
    """It took too long."""
    FAILED = auto()
    """Anything else went wrong."""


class Basis(Enum):
    """What an attempt is charged by."""

    NOTHING = auto()
    """A service does not bill what it has refused or failed at before its first word; what it told counts all the
    same."""
    SEEN = auto()
    """The answer was not heard to its end: what was told, and what came after that."""
    TOLD = auto()
    """The answer is whole: what was told last."""


STATES: Final[Mapping[State, Mapping[Heard, State]]] = MappingProxyType(
    {
        State.ASKED: {Heard.WORDS: State.BEGUN, Heard.FINISH: State.FINISHED, Heard.BREAK: State.BROKEN},
        State.BEGUN: {Heard.WORDS: State.BEGUN, Heard.FINISH: State.FINISHED, Heard.BREAK: State.BROKEN},
        State.FINISHED: {Heard.WORDS: State.FINISHED, Heard.FINISH: State.FINISHED, Heard.BREAK: State.BROKEN},
        State.BROKEN: {Heard.WORDS: State.BROKEN, Heard.FINISH: State.BROKEN, Heard.BREAK: State.BROKEN},
    }
)

OUTCOMES: Final[Mapping[State, Mapping[Stop, tuple[Outcome, Basis]]]] = MappingProxyType(
    {
        State.ASKED: {
            Stop.END: ("failed_before", Basis.SEEN),
            Stop.WHOLE: ("ok", Basis.TOLD),
            Stop.LEFT: ("cancelled", Basis.SEEN),
            Stop.REFUSED: ("refused", Basis.NOTHING),
            Stop.TRUNCATED: ("failed_before", Basis.SEEN),
            Stop.TIMED_OUT: ("timed_out", Basis.SEEN),
            Stop.FAILED: ("failed_before", Basis.NOTHING),
        },
        State.BEGUN: {
            Stop.END: ("truncated", Basis.SEEN),
            Stop.WHOLE: ("ok", Basis.TOLD),
            Stop.LEFT: ("cancelled", Basis.SEEN),
            Stop.REFUSED: ("failed_after", Basis.SEEN),
            Stop.TRUNCATED: ("truncated", Basis.SEEN),
            Stop.TIMED_OUT: ("timed_out", Basis.SEEN),
            Stop.FAILED: ("failed_after", Basis.SEEN),
        },
        # Whoever leaves after the end has all of it. An error after the end is one all the same (vLLM sends such).
        State.FINISHED: {
            Stop.END: ("ok", Basis.TOLD),
            Stop.WHOLE: ("ok", Basis.TOLD),
            Stop.LEFT: ("ok", Basis.TOLD),
            Stop.REFUSED: ("failed_after", Basis.SEEN),
            Stop.TRUNCATED: ("truncated", Basis.SEEN),
            Stop.TIMED_OUT: ("timed_out", Basis.SEEN),
            Stop.FAILED: ("failed_after", Basis.SEEN),
        },
        State.BROKEN: dict.fromkeys(Stop, ("failed_after", Basis.SEEN)),
    }
)


class Said(msgspec.Struct, frozen=True, gc=False):
    """Bytes of UTF-8 that an answer had: all of them, and those of them that were thoughts."""

    answer: int = 0
    thoughts: int = 0


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What came of an attempt.

    `told` is what the service said of its tokens, the last word of each choice; None where it said nothing. `said` is
    the text that came in all, `untold` the part of it that came after the service last spoke of tokens.
    """

    outcome: Outcome
    basis: Basis
    told: Usage | None = None
    said: Said = Said()
    untold: Said = Said()


class AttemptWatch:
    """Watches one attempt. `feed` takes what comes, `stopped` says what came of it."""

    __slots__ = ("_answer", "_answer_told", "_thoughts", "_thoughts_told", "_told", "state")

    def __init__(self) -> None:
        self.state = State.ASKED
        self._told: dict[int, Usage] = {}
        self._answer = self._thoughts = 0
        self._answer_told = self._thoughts_told = 0

    @property
    def begun(self) -> bool:
        """Whether something came that says something."""
        return self.state is not State.ASKED

    @property
    def has_finished(self) -> bool:
        """Whether a finish reason came, of any kind."""
        return self.state in {State.FINISHED, State.BROKEN}

    def begin(self) -> None:
        """The answer is known to have begun, before its deltas are handed on."""
        self._hear(Heard.WORDS)

    def feed(self, deltas: Iterable[Delta]) -> None:
        """Take what one read brought."""
        for delta in deltas:
            if delta.says_something:
                self._said(delta)
            if delta.usage is not None and delta.usage.total > 0:  # none at all is what a service says before it knows
                self._told[delta.choice] = delta.usage
                self._answer_told, self._thoughts_told = self._answer, self._thoughts

    def whole(self, usage: Usage | None) -> Verdict:
        """An answer without deltas is there."""
        if usage is not None and usage.total > 0:
            self._told[0] = usage
        return self.stopped(Stop.WHOLE)

    def stopped(self, stop: Stop) -> Verdict:
        """What came of the attempt, now that it is over."""
        outcome, basis = OUTCOMES[self.state][stop]
        return Verdict(
            outcome=outcome,
            basis=basis,
            told=sum(self._told.values(), Usage()) if self._told else None,
            said=Said(self._answer, self._thoughts),
            untold=Said(self._answer - self._answer_told, self._thoughts - self._thoughts_told),
        )

    def _said(self, delta: Delta) -> None:
        self._hear(Heard.WORDS)
        if delta.content:
            self._answer += size_of(delta.content)
        if delta.reasoning:
            size = size_of(delta.reasoning)
            self._answer += size
            self._thoughts += size
        for call in delta.tool_calls:
            self._answer += size_of(call.arguments) + size_of(call.name or "")
        if delta.finish_reason is not None:
            self._hear(Heard.BREAK if delta.finish_reason == "network_error" else Heard.FINISH)

    def _hear(self, heard: Heard) -> None:
        self.state = STATES[self.state][heard]


def stop_of(error: BaseException) -> Stop:
    """How an attempt is stopped by `error`."""
    for kinds, stop in _STOPS:
        if isinstance(error, kinds):
            return stop
    return Stop.FAILED


_STOPS: Final[tuple[tuple[tuple[type[BaseException], ...], Stop], ...]] = (
    ((asyncio.CancelledError, GeneratorExit), Stop.LEFT),
    ((DeadlineExceeded,), Stop.TIMED_OUT),
    ((AnswerTruncated,), Stop.TRUNCATED),
    ((RequestRefused, *LIMITS), Stop.REFUSED),
)


def size_of(text: str) -> int:
    """Bytes of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
