"""Turns the JSON text of a constrained answer into the pieces of a call, as the text arrives.

Which schema the text follows is decided in `forced`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from glmgate.errors import EngineFailed
from glmgate.wire.delta import ToolCallDelta

_HEAD: Final = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)')


class CallWriter:
    """Feed it text: the arguments themselves when `name` is known, else `{"name": …, "arguments": {…}}`."""

    __slots__ = ("_begun", "_call_id", "_depth", "_escaped", "_held", "_in_string", "_name", "_over")

    def __init__(self, name: str | None, *, call_id: str) -> None:
        self._name = name
        self._call_id = call_id
        self._held = ""
        self._begun = False
        self._over = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, text: str) -> tuple[ToolCallDelta, ...]:
        """Take text, give the pieces of the call that it makes."""
        if self._over:
            return ()
        if self._begun:
            return self._piece(text)
        self._held = (self._held + text).lstrip()
        if not self._held:
            return ()
        if self._name is None:
            head = _HEAD.match(self._held)
            if head is None:
                return ()
            self._name = msgspec.json.decode(head[1], type=str)
            self._held = self._held[head.end() :]
        return self._piece(self._held)

    def close(self, *, truncated: bool) -> tuple[ToolCallDelta, ...]:
        """The text has ended. Raises EngineFailed when it is no call, unless a limit cut it off."""
        if self._over or truncated:
            return ()
        raise EngineFailed("The engine did not keep to the form of the call that it was constrained to.")

    def _piece(self, text: str) -> tuple[ToolCallDelta, ...]:
        arguments = text[: self._end_of_object(text)]
        if self._begun:
            return (ToolCallDelta(index=0, arguments=arguments),) if arguments else ()
        self._begun = True
        return (ToolCallDelta(index=0, id=self._call_id, name=self._name, arguments=arguments),)

    def _end_of_object(self, text: str) -> int:
        """How much of `text` still belongs to the arguments: up to the brace that closes them."""
        for place, character in enumerate(text):
            if self._escaped:
                self._escaped = False
            elif self._in_string:
                self._escaped = character == "\\"
                self._in_string = character != '"'
            elif character == '"':
                self._in_string = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self._over = True
                    return place + 1
        return len(text)
