"""The undoing that keeps the first call of an answer and ends it there (contract row C5)."""

from __future__ import annotations

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Piece
from glmgate.wire.delta import Delta, ToolCallDelta


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
        kept = self._kept(delta)
        if len(kept) == len(delta.tool_calls):
            return (delta,)
        self.done = True
        return (msgspec.structs.replace(delta, tool_calls=kept, finish_reason="tool_calls"),)

    def _kept(self, delta: Delta) -> tuple[ToolCallDelta, ...]:
        """The pieces of the first call, and what the service runs by itself: nobody has to answer that."""
        for piece in delta.tool_calls:
            if piece.native is None and self._first is None:
                self._first = piece.index
        return tuple(piece for piece in delta.tool_calls if piece.native is not None or piece.index == self._first)
