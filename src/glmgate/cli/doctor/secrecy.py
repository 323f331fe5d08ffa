"""Keeps credentials out of all that is printed, whoever wrote it: services like to repeat the key that they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

HIDDEN: Final = "[key]"
# A shorter part may be a word that stands in the text by chance: it is hidden only where it stands alone.
_SURE: Final = 8


class Secrecy:
    """Replaces these credentials, and the parts of those that have some, by `[key]`."""

    def __init__(self, credentials: Iterable[str]) -> None:
        found = {part for credential in credentials for part in (credential, *credential.split("."))}
        parts = sorted((part for part in found if part), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, parts))) if parts else None

    def clean(self, text: str) -> str:
        """The text without them."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def clean_all(self, value: Any) -> Any:  # noqa: ANN401 -- whatever JSON there is
        """A JSON value with every text in it cleaned."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, Mapping):
            return {self.clean(str(name)): self.clean_all(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean_all(each) for each in value]
        return value


def _pattern(part: str) -> str:
    return re.escape(part) if len(part) >= _SURE else rf"(?<!\w){re.escape(part)}(?!\w)"
