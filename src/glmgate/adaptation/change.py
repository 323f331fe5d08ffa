"""What a rule gives back: the changed request, what to report, and what undoes the change on the answer.

The rules themselves live beside this module, one theme each; how they are composed in `fit`.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Note

R = TypeVar("R")


class Piece:
    """One rule's undoing: a state machine over the deltas of one choice. This one changes nothing.

    A piece that holds text back gives it out before it lets a finish reason pass, and at the latest in `close`.
    """

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False
        """True when the answer needs nothing more from the stream: leave it."""

    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        """Take one delta, give those that may go on."""
        return (delta,)

    def close(self) -> tuple[Delta, ...]:
        """The answer has ended; give what is still held."""
        return ()

    def follow_up(self, request: ChatRequest) -> ChatRequest | None:
        """The further call that this piece needs, made from `request` as it was sent; its deltas are fed too."""
        return None

    def notes(self) -> tuple[Note, ...]:
        """What is only known by the answer, for the report; asked for after each call."""
        return ()


class Change(msgspec.Struct, Generic[R], frozen=True):
    """The outcome of one rule. A struct, because two dozen of them are made for each request."""

    request: R
    notes: tuple[Note, ...] = ()
    undo: Piece | None = None
