"""Characters that nobody sees: between the letters of a word they make no other word of it.

How they are taken out of a text is in `folding`.
"""

from __future__ import annotations

import re
from typing import Final

INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""As ranges of a pattern: Unicode's Default_Ignorable_Code_Point, without the fillers of Hangul, which take a place."""

# They are in the classes C (other) and M (marks), in the script Inherited, and in what is turned round.
_NAMED: Final = re.compile(rf"[{INVISIBLE}]|\\[xP]|\\p(?:\{{?[CMI]|\{{\^)")


def may_mean(pattern: str) -> bool:
    """Whether a pattern (RE2) could look for such characters by name."""
    return _NAMED.search(pattern) is not None
