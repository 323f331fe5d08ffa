"""A credential of ours at an upstream. Whoever looks at it sees nothing; `reveal` is called where a header is written.

Where it comes from is settings' business.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NoReturn

from typing_extensions import override

from glmgate.errors import SettingsError

_FINGERPRINT_DIGITS: Final = 16


class Secret:
    """Text that must not be shown. It compares by value, is in no `repr`, log or error, and is never copied to disk."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        # What is no visible ASCII cannot stand in a header, and a line break in it would begin another header.
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise SettingsError("A credential is empty, or has blanks or characters that no header can hold.")
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the header that carries it."""
        return self._text

    @property
    def fingerprint(self) -> str:
        """Tells secrets apart without showing them: the beginning of their SHA-256, in hex."""
        return hashlib.sha256(self._text.encode()).hexdigest()[:_FINGERPRINT_DIGITS]

    @override
    def __repr__(self) -> str:
        return "Secret(…)"

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text, other._text)

    @override
    def __hash__(self) -> int:
        return hash(self._text)

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")
