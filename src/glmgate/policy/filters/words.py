"""Lists of words, found in one pass however long the list is; upper and lower case are the same.

A word of letters or digits is found as a whole word; one of a script without blanks between words is found anywhere.
Where a word has a blank, a text may have up to MOST_BLANKS of them, or line breaks, as wrapped text has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from glmgate.errors import SettingsError
from glmgate.policy.filters.expressions import Span, compiled, spans
from glmgate.policy.filters.folding import fold, lower, parted

LONGEST_WORD: Final = 200
MOST_BLANKS: Final = 8
_BLANKS: Final = re.compile(rf"[ \t\n\f\r]{{1,{MOST_BLANKS}}}")
_SIGN: Final = re.compile(rf"{_BLANKS.pattern}|.")
_WORD_SIGN: Final = re.compile(r"\w", re.ASCII)


class Words:
    """A list of words as a `Finder`. Raises SettingsError."""

    __slots__ = ("_begun", "_has_blanks", "_longest", "_whole")
    sees_through = True

    def __init__(self, words: Iterable[str]) -> None:
        known = sorted({lower(fold(" ".join(parted(word)[0].split()))) for word in words} - {""})
        if not known:
            raise SettingsError("the list has no word: give 'words' or a 'file' with one on each line")
        longest = max(map(len, known))
        if longest > LONGEST_WORD:
            raise SettingsError(f"the list has a word of {longest} characters, {LONGEST_WORD} are the most")
        self._has_blanks = any(" " in word for word in known)
        self._longest = max(len(word) + word.count(" ") * (MOST_BLANKS - 1) for word in known)
        self._whole = compiled(_joined(known), longest=True)
        self._begun = frozenset(word[:length] for word in known for length in range(1, len(word))) | frozenset(
            word
            for word in known
            if _WORD_SIGN.match(word[-1])  # what comes next may make it another word
        )

    def find(self, text: str, start: int) -> Span | None:
        """As `Finder` says; of several words at one place the longest."""
        return spans(self._whole, lower(text), start)

    def pending(self, text: str, start: int) -> int:
        """As `Finder` says."""
        end = len(text)
        first = max(start, end - self._longest)
        tail = lower(text[first:])
        if not self._has_blanks or _BLANKS.search(tail) is None:
            return next((first + at for at in range(len(tail)) if tail[at:] in self._begun), end)
        places = [found.start() for found in _SIGN.finditer(tail)]
        tail = _BLANKS.sub(" ", tail)
        return next((first + place for at, place in enumerate(places) if tail[at:] in self._begun), end)


def _joined(words: list[str]) -> str:
    """One pattern for all. Words that begin or end alike stand together, so that RE2 can share what they have."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for word in words:
        begins, ends = (r"\b" if _WORD_SIGN.match(sign) else "" for sign in (word[0], word[-1]))
        kinds.setdefault((begins, ends), []).append(_BLANKS.pattern.join(map(re.escape, word.split(" "))))
    return "|".join(f"{begins}(?:{'|'.join(kind)}){ends}" for (begins, ends), kind in kinds.items())
