"""The tool calls of one choice, piece by piece, however an upstream tells them apart (contract 0.4, 3.3, C10).

Out come calls with an index that counts from 0, one id and one name, on their first piece. Those of tools that the
service runs itself keep all that they came with (contract 3.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from glmgate.engines.upstream.frames import Unreadable
from glmgate.engines.upstream.shapes import Call, Function
from glmgate.wire.delta import ToolCallDelta
from glmgate.wire.native_calls import INPUT, OUTPUTS, NativeCalls, body_of

_BUILT_IN: Final = ("code_interpreter", "web_browser", "drawing_tool", "retrieval", "web_search", "mcp")
_CALLERS: Final = ("function", "custom")
_NO_FUNCTION: Final = Function()


@dataclass(slots=True)
class _Open:
    """A call that has begun. Its arguments are held back as long as its name is not known."""

    index: int
    given_id: str | None
    id: str
    custom: bool
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def add(self, name: str, arguments: str) -> ToolCallDelta | None:
        """The delta of a piece; None when nobody has to know of it, or not yet."""
        began = not self.name
        self.arguments.append(arguments)
        self.name = self.name or name
        if began and self.name:
            return ToolCallDelta(self.index, id=self.id, name=self.name, arguments=self.text, custom=self.custom)
        if began or not arguments:
            return None
        return ToolCallDelta(self.index, arguments=arguments, custom=self.custom)

    @property
    def text(self) -> str:
        return "".join(self.arguments)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments so far are a JSON value, so that nothing can follow."""
        try:
            msgspec.json.decode(self.text)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            return False
        return True


class Calls:
    """Feed it the pieces of each chunk in their order."""

    __slots__ = ("_by_id", "_by_index", "_last", "_native", "_new_id", "_next")

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._by_index: dict[int, _Open] = {}
        self._by_id: dict[str, _Open] = {}
        self._last: _Open | None = None
        self._native: NativeCalls | None = None
        self._next = 0

    def __bool__(self) -> bool:
        """Whether there is a call of any kind."""
        return self._last is not None or self._native is not None

    @property
    def for_caller(self) -> bool:
        """Whether there is a call that the caller has to carry out."""
        return self._last is not None

    def feed(self, pieces: Iterable[dict[str, Any]]) -> tuple[ToolCallDelta, ...]:
        """The pieces in regular form. Raises Unreadable for what is none."""
        return tuple(delta for piece in pieces if (delta := self._feed(piece)) is not None)

    def close(self) -> tuple[ToolCallDelta, ...]:
        """What calls still lack at the end: empty arguments are `{}`, which clients can read. ValueError: no name."""
        deltas = []
        for call in self._by_id.values():
            if not call.name:
                raise ValueError("a call has no name")
            if not call.custom and not call.text.strip():
                deltas.append(ToolCallDelta(index=call.index, arguments="{}"))
        return tuple(deltas)

    def _feed(self, given: dict[str, Any]) -> ToolCallDelta | None:
        if (kind := _kind_of_native(given)) is not None:
            return self._run_there(kind, given)
        piece = _call(given)
        name, arguments = _said(piece.function or piece.custom or _NO_FUNCTION)
        call = self._find(piece, name, arguments)
        if call is None:
            return self._begin(piece).add(name, arguments)
        if name and piece.id and piece.id == call.given_id and arguments == call.text:
            return None  # the whole call once more
        return call.add(name, arguments)

    def _find(self, piece: Call, name: str, arguments: str) -> _Open | None:
        """The call that a piece goes on with; None when it begins one."""
        if piece.index is not None:
            call = self._by_index.get(piece.index)
        elif piece.id and (name or piece.id in self._by_id):
            return self._by_id.get(piece.id)
        else:
            # Nothing tells which one is meant: a name begins a call, anything else goes on with the last.
            return None if name else self._last
        return None if call is not None and _is_another(call, piece.id, name, arguments) else call

    def _begin(self, piece: Call) -> _Open:
        given = piece.id or None
        own = given if given is not None and given not in self._by_id else self._new_id()
        call = _Open(self._next, given, own, piece.custom is not None)
        self._next += 1
        self._by_id[own] = self._last = call
        if piece.index is not None:
            self._by_index[piece.index] = call
        return call

    def _run_there(self, kind: str, given: dict[str, Any]) -> ToolCallDelta:
        """A piece of a tool that the upstream runs itself: each has an index of its own (contract 0.4)."""
        members = {"type": kind} | {name: value for name, value in given.items() if value is not None}
        members.pop("index", None)
        if body := body_of(members):
            # Readers of such pieces ask whether there is one of the two, not what it is.
            members[kind] = {
                name: value for name, value in body.items() if value is not None or name not in (INPUT, OUTPUTS)
            }
        if self._native is None:
            self._native = NativeCalls()
        self._next, index = self._next + 1, self._next
        if self._native.of(members, index).pieces == 1 and not members.get("id"):
            members["id"] = self._new_id()
        return ToolCallDelta(index=index, native=members)


def _kind_of_native(piece: dict[str, Any]) -> str | None:
    """The type of a tool that the upstream runs itself; None for calls that are the caller's."""
    if piece.get("function") is not None:
        return None
    kind = piece.get("type")
    if kind and isinstance(kind, str):
        return None if kind in _CALLERS else kind
    return next((name for name in _BUILT_IN if piece.get(name) is not None), None)


def _call(piece: dict[str, Any]) -> Call:
    try:
        return msgspec.convert(piece, Call, strict=False)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise Unreadable(str(exc)) from exc


def _is_another(call: _Open, given: str | None, name: str, arguments: str) -> bool:
    """Whether a piece with the index of `call` begins another one: some give all calls the index 0.

    Others repeat the name, give a new id with each piece, or both; so only arguments that are whole, or another name,
    tell.
    """
    if not name or (given and given == call.given_id):
        return False
    if call.name and name != call.name:
        return True
    return bool(given or arguments) and not call.custom and call.is_whole


def _said(function: Function) -> tuple[str, str]:
    """The name and the arguments, or what there is of them."""
    arguments = function.arguments or function.input or ""
    if isinstance(arguments, dict):
        arguments = msgspec.json.encode(arguments).decode()
    return function.name or "", arguments
