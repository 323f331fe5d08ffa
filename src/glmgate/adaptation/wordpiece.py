"""BERT's way from text to token ids: WordPiece over an uncased vocabulary, and where a long text may be cut.

Here and not in the engine, whose own reading differs (see docs/embeddings.md). Nothing is read from files here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

# BERT's own limit: a longer word is one unknown token.
_LONGEST_WORD: Final = 100
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
# Of ASCII every character that is neither blank, letter nor digit is a word of its own, with `$+<=>^`|~` among them.
_ASCII_WORDS: Final = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
_ASCII_CONTROLS: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
# The blocks that the original sets apart, character by character; the gap at 2B820 is its own.
_IDEOGRAPHS: Final = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
_REMOVED: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
_REPLACEMENT: Final = "\ufffd"
_BLANKS: Final = frozenset({"Zs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The tokens of an uncased BERT model: words and their beginnings, what goes on (`rests`), and special ids."""

    words: dict[str, int]
    rests: dict[str, int]
    unknown: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class WordPiece:
    """Texts as a model's token ids, in pieces that fit its window: `window` tokens, the first and the last included."""

    vocabulary: Vocabulary
    window: int

    def windows(self, text: str, *, most: int) -> list[list[int]]:
        """The ids of `text`, between the first and the last token, as often as it takes; cut between words.

        Reading ends when `most` tokens are passed, so whoever gets more of them has a text that is longer.
        """
        own = self.vocabulary
        room = self.window - 2
        parts: list[list[int]] = [[]]
        read = 0
        for word in words(text):
            ids = self._pieces(word)
            if len(parts[-1]) + len(ids) > room:
                parts.append([])
            while len(ids) > room:  # a word of more tokens than a window: only where the window is tiny
                parts[-1].extend(ids[:room])
                parts.append([])
                ids = ids[room:]
            parts[-1].extend(ids)
            read += len(ids)
            if read > most:
                break
        return [[own.first, *part, own.last] for part in parts if part or len(parts) == 1]

    def _pieces(self, word: str) -> Sequence[int]:
        """The longest token that begins the word, then the longest that goes on, and so on; or the unknown one."""
        own = self.vocabulary
        if (whole := own.words.get(word)) is not None and len(word) <= _LONGEST_WORD:
            return (whole,)
        if len(word) > _LONGEST_WORD:
            return (own.unknown,)
        ids: list[int] = []
        start = 0
        while start < len(word):
            tokens = own.rests if start else own.words
            end = len(word)
            while end > start and word[start:end] not in tokens:
                end -= 1
            if end == start:
                return (own.unknown,)
            ids.append(tokens[word[start:end]])
            start = end
        return ids


def words(text: str) -> Iterator[str]:
    """The words of `text`: lower case, without accents; punctuation and ideographs stand alone."""
    if not _NOT_ASCII.search(text):
        cleaned = text.translate(_ASCII_CONTROLS).lower()
        return (match.group() for match in _ASCII_WORDS.finditer(cleaned))
    return _split(_plain(text))


def _plain(text: str) -> str:
    """Without control characters and accents, in lower case; blanks are spaces, ideographs stand between them."""
    cleaned = "".join(map(_cleaned, text))
    bare = "".join(char for char in unicodedata.normalize("NFD", cleaned) if unicodedata.category(char) != "Mn")
    # Letter by letter: the original knows no final sigma.
    return bare.replace("\u03a3", "\u03c3").lower()


def _cleaned(char: str) -> str:
    if char in "\t\n\r":
        return " "
    category = unicodedata.category(char)
    if category in _REMOVED or char == _REPLACEMENT:
        return ""
    if category in _BLANKS:
        return " "
    code = ord(char)
    return f" {char} " if any(low <= code <= high for low, high in _IDEOGRAPHS) else char


def _split(plain: str) -> Iterator[str]:
    for word in plain.split(" "):
        start = 0
        for place, char in enumerate(word):
            if _alone(char):
                if place > start:
                    yield word[start:place]
                yield char
                start = place + 1
        if start < len(word):
            yield word[start:]


def _alone(char: str) -> bool:
    if char.isascii():
        return not char.isalnum()
    return unicodedata.category(char).startswith("P")
