"""About how many tokens an answer cost that was left before its service told.

What is told exactly is never touched.
"""

from __future__ import annotations

from typing import Final

import msgspec

from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Generation, Note
from glmgate.wire.members import plain

ESTIMATED: Final = Note("usage", "estimated", exact=False)
_BYTES_PER_TOKEN: Final = 4  # of English text and of JSON; more for a prompt than for the template around it


class Tally:
    """Counts the deltas of one call of an engine: services that stream send about a token in each."""

    __slots__ = ("_choice", "_request", "_said", "_thoughts", "_told")

    def __init__(self, request: Generation) -> None:
        self._request = request
        self._choice = 0
        self._said = 0
        self._thoughts = 0
        self._told = False

    def saw(self, delta: Delta) -> None:
        """A delta as the engine gave it."""
        self._choice = delta.choice
        self._told = self._told or delta.usage is not None
        self._thoughts += bool(delta.reasoning)
        self._said += bool(delta.content) + len(delta.tool_calls)

    def missing(self) -> Delta | None:
        """The usage that nobody told, estimated; None where it was told."""
        if self._told:
            return None
        prompt = len(msgspec.json.encode(plain(self._request))) // _BYTES_PER_TOKEN
        usage = Usage(prompt=prompt, completion=self._said + self._thoughts, reasoning=self._thoughts)
        return Delta(choice=self._choice, usage=usage)
