"""The undoing that keeps the first call of an answer and ends it there (contract row C5)."""

from __future__ import annotations

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Piece
from glmgate.wire.delta import Delta


class FirstCall(Piece):
    """Lets the first call through; when a second one begins, the answer ends as one with calls."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        super().__init__()
        self._first: int | None = None

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if self.done:
            return (Delta(choice=delta.choice, usage=delta.usage),) if delta.usage else ()
        # What the service runs by itself is no call that the caller has to answer.
        own = [piece.index for piece in delta.tool_calls if piece.native is None]
        if not own:
            return (delta,)
        if self._first is None:
            self._first = own[0]
        kept = tuple(piece for piece in delta.tool_calls if piece.native is not None or piece.index == self._first)
        if len(kept) == len(delta.tool_calls):
            return (delta,)
        self.done = True
        return (msgspec.structs.replace(delta, tool_calls=kept, finish_reason="tool_calls"),)
