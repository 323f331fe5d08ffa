"""Finds the first of some strings in text that arrives in pieces, and holds back only what may still become one."""

from __future__ import annotations

from collections.abc import Sequence


class Scanner:
    """The first string is the one that is complete first; of several complete at once, the longest.

    So the result is the same however the text is cut into pieces.
    """

    __slots__ = ("_held", "_needles", "found")

    def __init__(self, needles: Sequence[str]) -> None:
        self._needles = tuple(needles)
        self._held = ""
        self.found = False
        """True once a string was found; nothing is looked at any more."""

    def feed(self, text: str) -> str:
        """Take text, give what surely comes before any of the strings."""
        if self.found:
            return ""
        whole = self._held + text
        if (cut := self._cut(whole)) is not None:
            self.found = True
            self._held = ""
            return whole[:cut]
        safe = len(whole) - max(_overlap(whole, needle) for needle in self._needles)
        self._held = whole[safe:]
        return whole[:safe]

    def flush(self) -> str:
        """No more text comes: what was held back is none of the strings."""
        held, self._held = self._held, ""
        return held

    def _cut(self, whole: str) -> int | None:
        ends = [(place + len(needle), place) for needle in self._needles if (place := whole.find(needle)) >= 0]
        return min(ends)[1] if ends else None


def _overlap(text: str, needle: str) -> int:
    """The length of the longest end of `text` that `needle` begins with, short of the whole needle."""
    place = text.find(needle[0], max(0, len(text) - len(needle) + 1))
    while place >= 0:
        if needle.startswith(text[place:]):
            return len(text) - place
        place = text.find(needle[0], place + 1)
    return 0
