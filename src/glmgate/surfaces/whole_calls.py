"""Tool calls in one piece: for clients that did not ask for pieces (contract 3.3, C10).

Deltas come in and go out; nothing else of an answer is changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from glmgate.wire.delta import Delta, ToolCallDelta


@dataclass(slots=True)
class _Held:
    """The call of one choice that is still growing."""

    first: ToolCallDelta
    arguments: list[str]

    def whole(self) -> ToolCallDelta:
        return msgspec.structs.replace(self.first, arguments="".join(self.arguments))


@dataclass(slots=True)
class WholeCalls:
    """Holds the pieces of a call back until the next call of that choice begins, or its end comes."""

    _held: dict[int, _Held] = field(default_factory=dict)

    def feed(self, deltas: Iterable[Delta]) -> list[Delta]:
        """What may leave now."""
        return [delta for given in deltas for delta in self._one(given)]

    def _one(self, delta: Delta) -> Iterable[Delta]:
        if not delta.tool_calls and delta.finish_reason is None:
            yield delta
            return
        whole = [call for piece in delta.tool_calls for call in self._piece(delta.choice, piece)]
        if delta.finish_reason is not None and delta.choice in self._held:
            whole.append(self._held.pop(delta.choice).whole())
        for call in whole[:-1]:
            yield Delta(choice=delta.choice, tool_calls=(call,))
        rest = msgspec.structs.replace(delta, tool_calls=tuple(whole[-1:]))
        if rest != Delta(choice=delta.choice):
            yield rest

    def _piece(self, choice: int, piece: ToolCallDelta) -> Iterable[ToolCallDelta]:
        if piece.native is not None:  # it has no arguments that could be waited for
            if choice in self._held:
                yield self._held.pop(choice).whole()
            yield piece
            return
        held = self._held.get(choice)
        if held is not None and held.first.index == piece.index:
            held.arguments.append(piece.arguments)
            return
        self._held[choice] = _Held(piece, [piece.arguments])
        if held is not None:
            yield held.whole()
