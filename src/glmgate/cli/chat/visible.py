"""Text of others as a terminal may have it: nothing that moves the cursor, rings, retitles or turns text around.

Every text of a model or a service goes through here before it is printed, in a pipe as well.
"""

from __future__ import annotations

import re
from typing import Final

# C0 but tab and line feed, DEL, C1 (one byte of which is a whole CSI on some terminals), and the marks that turn the
# direction of text (U+202A-202E, U+2066-2069): "Trojan Source" shows what the last can hide. Lone surrogates cannot be
# written at all.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PICTURES: Final = 0x2400
_DELETE: Final = 0x7F


def visible(text: str) -> str:
    """`text` with a picture (␛ for ESC) or a replacement character in place of each control character.

    Tabs and line feeds stay; CR LF becomes LF. Nothing is left out, so that tampering can be seen.
    """
    return _UNSAFE.sub(_shown, text.replace("\r\n", "\n"))


def one_line(text: str, *, longest: int = 300) -> str:
    """`text` for a message: visible, on one line, and no longer than `longest` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    return "␡" if code == _DELETE else "\ufffd"
