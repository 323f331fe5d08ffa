"""Calls given whole, one delta each, as the native dialect does unless `tool_stream` is set (contract 3.1, 3.3)."""

from __future__ import annotations

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Piece
from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.fold import CallFold


class WholeCalls(Piece):
    """Holds the pieces of a call until the next call begins or the answer ends."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[int, CallFold] = {}

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if not delta.tool_calls and not (delta.finish_reason and self._calls):
            return (delta,)
        out: list[Delta] = []
        for piece in delta.tool_calls:
            if piece.index not in self._calls:
                out += self._whole(delta.choice)
            self._calls.setdefault(piece.index, CallFold()).feed(piece)
        if delta.finish_reason:
            out += self._whole(delta.choice)
        rest = msgspec.structs.replace(delta, tool_calls=())
        if delta.content or delta.reasoning:  # text came before the calls of the same piece
            before = msgspec.structs.replace(rest, finish_reason=None, usage=None)
            rest = Delta(choice=delta.choice, finish_reason=delta.finish_reason, usage=delta.usage)
            out.insert(0, before)
        return (*out, rest) if rest != Delta(choice=delta.choice) else tuple(out)

    @override
    def close(self) -> tuple[Delta, ...]:
        return tuple(self._whole(0))

    def _whole(self, choice: int) -> list[Delta]:
        calls, self._calls = self._calls, {}
        return [
            Delta(
                choice=choice,
                tool_calls=(ToolCallDelta(index=index, id=call.id, name=call.name, arguments="".join(call.arguments)),),
            )
            for index, call in calls.items()
        ]
