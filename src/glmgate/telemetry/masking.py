"""Masks for contents that are logged: addresses, credentials and long numbers become a word in brackets.

A mask hides what looks like a secret; it is no promise that nothing else is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Mask = Callable[[str], str]
"""From a text to what may be written of it."""

# Every repetition is bounded or over one class that the next part is not in, so time is linear in the text.
_PATTERNS: Final = tuple(
    (re.compile(pattern), f"[{word}]")
    for word, pattern in (
        ("private key", r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,40}-----)?"),
        ("token", r"\beyJ[\w-]{8,2048}\.[\w-]{8,}(?:\.[\w-]*)?"),
        ("key", r"\b[0-9a-fA-F]{32}\.[\w-]{8,}"),
        ("key", r"\b(?:sk|pk|rk|ghp|gho|ghs|ghu|glpat|xox[abprs]|hf)[-_][\w-]{12,}"),
        ("key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("key", r"(?i)\bbearer +[\w.~+/-]{8,}=*"),
        (
            "secret",
            r"(?i)\b(?:password|secret|api[_-]?key|access[_-]?token)[\"']?\s{0,4}[:=]\s{0,4}[^\s,;}]{1,256}",
        ),
        ("e-mail", r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
        ("number", r"(?<!\d)\+?\d(?:[ -]?\d){8,18}(?!\d)"),
    )
)


def masked(text: str) -> str:
    """The text with everything that looks like an address, a credential, a phone or a card number masked."""
    for pattern, word in _PATTERNS:
        text = pattern.sub(word, text)
    return text
