"""Calls of tools that a service runs itself: which pieces belong to one call, and what they make together.

Contract 3.4: a call comes as pieces of `input`, then `outputs`; its id may stand on the first piece only. How a stream
of them is written lives in `native_stream`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INPUT = "input"
OUTPUTS = "outputs"


@dataclass(slots=True)
class NativeCall:
    """One call while its pieces arrive: the `index` of the first one, and what of it has been seen."""

    kind: object
    index: int
    pieces: int = 0
    has_outputs: bool = False


class NativeCalls:
    """The calls of one choice. Feed it the pieces in their order; it says which call each one is of."""

    __slots__ = ("_by_id", "_last")

    def __init__(self) -> None:
        self._by_id: dict[str, NativeCall] = {}
        self._last: NativeCall | None = None

    def of(self, piece: Mapping[str, Any], index: int) -> NativeCall:
        """The call that `piece` goes on with, or a new one that begins at `index`."""
        kind, given, body = piece.get("type"), piece.get("id"), body_of(piece)
        given = given if isinstance(given, str) and given else None
        call = self._found(kind, given, body)
        if call is None:
            call = NativeCall(kind, index)
            if given is not None:
                self._by_id[given] = call
        call.pieces += 1
        call.has_outputs |= OUTPUTS in body
        self._last = call
        return call

    def _found(self, kind: object, given: str | None, body: Mapping[str, Any]) -> NativeCall | None:
        if given is not None:
            call = self._by_id.get(given)
            return call if call is not None and call.kind == kind else None
        last = self._last
        if last is None or last.kind != kind:
            return None
        # Nothing tells which one is meant: what is put in after something came out begins a call.
        return None if last.has_outputs and INPUT in body else last


def body_of(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a piece says under the name of its type; empty where that is nothing."""
    kind = piece.get("type")
    body = piece.get(kind) if isinstance(kind, str) else None
    return body if isinstance(body, dict) else {}


def joined(before: Mapping[str, Any], piece: Mapping[str, Any]) -> dict[str, Any]:
    """A call with one more piece: inputs are one text, lists go on, of anything else the last counts."""
    whole = {**before, **{name: value for name, value in piece.items() if name not in ("id", "type")}}
    kind = before.get("type")
    if isinstance(kind, str) and isinstance(before.get(kind), dict) and isinstance(piece.get(kind), dict):
        whole[kind] = _joined_bodies(before[kind], piece[kind])
    return whole


def _joined_bodies(before: Mapping[str, Any], piece: Mapping[str, Any]) -> dict[str, Any]:
    body = dict(before)
    for name, value in piece.items():
        body[name] = _joined_values(name, body.get(name), value)
    return body


def _joined_values(name: str, before: object, value: object) -> object:
    if isinstance(before, list) and isinstance(value, list):
        return [*before, *value]
    if name == INPUT and isinstance(before, str) and isinstance(value, str):
        return before + value
    return value
