"""How calls of tools that a service runs itself are written into a stream, so that every client can read them.

Contract 0.4 and 3.4: each of their pieces has an index of its own, and each call has at least two pieces, one of which
is put in: langchain_glm's parser fails on a call of one. Functions keep their index, moved by what was added before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from glmgate.wire.delta import ToolCallDelta
from glmgate.wire.native_calls import INPUT, OUTPUTS, NativeCall, NativeCalls, body_of

PIECEWISE: Final = frozenset({"code_interpreter", "web_browser", "drawing_tool"})
"""The types whose calls come in pieces (contract 3.4)."""


class NativeStream:
    """The calls of one choice. Feed it the pieces of each delta; at the choice's end, `close`."""

    __slots__ = ("_added", "_calls", "_functions", "_next", "_open")

    def __init__(self) -> None:
        self._calls = NativeCalls()
        self._functions: dict[int, int] = {}
        self._added = 0
        self._next = 0
        self._open: tuple[NativeCall, dict[str, Any]] | None = None

    def feed(self, pieces: Iterable[ToolCallDelta]) -> list[ToolCallDelta]:
        """The pieces as they are written."""
        return [after for piece in pieces for after in self._piece(piece)]

    def close(self) -> list[ToolCallDelta]:
        """The choice is over: what the last call still lacks."""
        return self._second_piece()

    def _piece(self, piece: ToolCallDelta) -> list[ToolCallDelta]:
        if piece.native is not None:
            return self._native(piece.index, piece.native)
        index = self._functions.get(piece.index)
        if index is None:
            index = self._functions[piece.index] = self._numbered(piece.index)
        return [piece if index == piece.index else msgspec.structs.replace(piece, index=index)]

    def _native(self, index: int, native: dict[str, Any]) -> list[ToolCallDelta]:
        call = self._calls.of(native, index)
        before = [] if self._open is not None and self._open[0] is call else self._second_piece()
        parts = _parts(native, is_first=call.pieces == 1)
        written = [ToolCallDelta(self._numbered(index), native=parts[0])]
        for part in parts[1:]:
            self._added += 1
            written.append(ToolCallDelta(self._numbered(index), native=part))
        call.pieces += len(parts) - 1
        self._open = (call, parts[0]) if call.pieces == 1 and native.get("type") in PIECEWISE else None
        return [*before, *written]

    def _second_piece(self) -> list[ToolCallDelta]:
        """Of a call of a single piece, one more that says nothing."""
        if self._open is None:
            return []
        (_, piece), self._open = self._open, None
        index, self._next = self._next, self._next + 1
        self._added += 1
        return [ToolCallDelta(index, native=_alone(piece, {INPUT: ""}))]

    def _numbered(self, index: int) -> int:
        after = index + self._added
        self._next = max(self._next, after + 1)
        return after


def _parts(native: dict[str, Any], *, is_first: bool) -> list[dict[str, Any]]:
    """A piece, or the two that it is written as: what was put in, and what came out."""
    body = body_of(native)
    if native.get("type") not in PIECEWISE or OUTPUTS not in body or not (is_first or INPUT in body):
        return [native]
    if INPUT not in body:
        return [_alone(native, {INPUT: ""}), native]
    before = {name: value for name, value in body.items() if name != OUTPUTS}
    return [native | {native["type"]: before}, _alone(native, {OUTPUTS: body[OUTPUTS]})]


def _alone(native: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """A piece of the same call that says `body` and nothing else."""
    return {name: native[name] for name in ("type", "id") if name in native} | {native["type"]: body}
