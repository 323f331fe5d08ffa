"""Folding: characters that look alike or mean the same become one, so that a pattern is written once.

The folded text has as many characters as the text, so that places in one are places in the other. A character is
folded the same way wherever it stands. Invisible characters are taken out before.
"""

from __future__ import annotations

import re
from typing import Final

from glmgate.policy.filters.expressions import Compiled, compiled
from glmgate.policy.filters.invisible import INVISIBLE

# The zeros of Unicode's decimal digits (category Nd); each has its nine others right behind it.
_ZEROS: Final = (
    *(0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50),
    *(0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50),
    *(0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6),
)
_BLANKS: Final = (0x00A0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_HYPHENS: Final = (*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63)
# Without the marks that Chinese sentences are full of, such as the comma: no pattern of ours looks for them.
_FULL_WIDTH: Final = (
    *map(ord, "＃＄％＆＋－．／＠＿"),
    *range(0xFF10, 0xFF1A),
    *range(0xFF21, 0xFF3B),
    *range(0xFF41, 0xFF5B),
)
_SURROGATES: Final = range(0xD800, 0xE000)

_TABLE: Final[dict[int, int]] = (
    dict.fromkeys(_BLANKS, 32)
    | dict.fromkeys(_HYPHENS, 45)
    | {code: code - 0xFEE0 for code in _FULL_WIDTH}
    | {zero + digit: 0x30 + digit for zero in _ZEROS for digit in range(10)}
    | dict.fromkeys(_SURROGATES, 0xFFFD)  # halves of pairs are no text, and cannot be encoded
)
_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]+")
# Most texts, Chinese ones too, hold none of them, and to look is seven times as quick as to translate.
_SPECIAL: Final = "".join(chr(code) for code in sorted(_TABLE) if code not in _SURROGATES)
_FOLDABLE: Final = compiled(f"[{_SPECIAL}]")
_ANY: Final = compiled(f"[{_SPECIAL}{INVISIBLE}]")


def is_plain(text: str) -> bool:
    """Whether nothing of `text` is invisible, or folded into something else."""
    return text.isascii() or not _has(_ANY, text)


def parted(text: str) -> tuple[str, list[tuple[int, str]]]:
    """What is to be seen of `text`, and what is not: each run with the number of characters seen before it."""
    runs: list[tuple[int, str]] = []
    unseen = 0
    for found in _INVISIBLE.finditer(text):
        runs.append((found.start() - unseen, found[0]))
        unseen += len(found[0])
    return (_INVISIBLE.sub("", text) if runs else text), runs


def fold(text: str) -> str:
    """`text` with full-width letters and digits, and digits, blanks and hyphens of any script, as those of ASCII."""
    return text if text.isascii() or not _has(_FOLDABLE, text) else text.translate(_TABLE)


def _has(signs: Compiled, text: str) -> bool:
    try:
        return signs.search(text.encode()) is not None
    except UnicodeEncodeError:  # half of a pair
        return True


def lower(text: str) -> str:
    """`text` in lower case, character by character."""
    lowered = text.lower()
    if len(lowered) == len(text) and (text.isascii() or "Σ" not in text):
        return lowered
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)
