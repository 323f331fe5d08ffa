"""Markdown while it arrives, cut into blocks that can be rendered for good: no later text changes how they look.

How a block looks is not known here.
"""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<rest>.*)")


class Blocks:
    """Feed it text; it gives back the blocks that have ended. `tail` is what has not.

    A block ends at an empty line that no indented line follows (that would still belong to a list), or with the fence
    that closes code.
    """

    __slots__ = ("_fence", "_lines", "_partial")

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._partial = ""
        self._fence: str | None = None

    @property
    def tail(self) -> str:
        """The text of the block that has not ended."""
        return "\n".join([*self._lines, self._partial]).strip("\n")

    def feed(self, text: str) -> list[str]:
        """Take `text`; return the blocks that are now whole."""
        *lines, self._partial = (self._partial + text).split("\n")
        found = [block for line in lines for block in self._line(line)]
        # Where the next line has begun, it is known whether it goes on with a list.
        if self._partial.strip() and self._at_gap() and not self._partial[0].isspace():
            found += self._cut()
        return found

    def close(self) -> list[str]:
        """The text has ended: return what is left."""
        rest = self.tail
        self._lines, self._partial, self._fence = [], "", None
        return [rest] if rest.strip() else []

    def _line(self, line: str) -> list[str]:
        if self._fence is not None:
            self._lines.append(line)
            return self._cut() if self._closes(line) else []
        found = self._cut() if line.strip() and self._at_gap() and not line[0].isspace() else []
        if (fence := _FENCE.fullmatch(line)) and not (fence["mark"][0] == "`" and "`" in fence["rest"]):
            self._fence = fence["mark"]
        self._lines.append(line)
        return found

    def _closes(self, line: str) -> bool:
        assert self._fence is not None
        mark = line.strip()
        closes = len(mark) >= len(self._fence) and set(mark) == {self._fence[0]}
        if closes:
            self._fence = None
        return closes

    def _at_gap(self) -> bool:
        return self._fence is None and bool(self._lines) and not self._lines[-1].strip()

    def _cut(self) -> list[str]:
        block = "\n".join(self._lines).strip("\n")
        self._lines = []
        return [block] if block.strip() else []
