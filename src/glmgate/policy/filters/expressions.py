"""Regular expressions in linear time (RE2), which also say where a match may have begun that is not over yet.

The only module that knows the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import re2

from glmgate.errors import SettingsError
from glmgate.policy.filters.invisible import may_mean
from glmgate.policy.filters.syntax import taken_apart

_MEMORY: Final = 32 << 20
Span = tuple[int, int]


class Finder(Protocol):
    """Finds in folded text (`folding`). `sees_through`: invisible characters are taken out of it before."""

    @property
    def sees_through(self) -> bool:
        """Whether it looks at what people see alone."""
        ...

    def find(self, text: str, start: int) -> Span | None:
        """The first match that begins at `start` or behind it, as far as the text goes."""
        ...

    def pending(self, text: str, start: int) -> int:
        """Where, from `start` on, the first match may begin that more text could make or change; else the end.

        Whatever `find` says of matches that begin before that place holds whatever comes.
        """
        ...


class _Match(Protocol):
    def span(self) -> Span: ...


class Compiled(Protocol):
    """A pattern that the engine has taken."""

    def search(self, text: bytes, pos: int = 0) -> _Match | None:
        """The first match from `pos` on. Of bytes, because what the library does to texts takes longer than it does."""
        ...


class Expressions:
    """What any of some patterns matches, the first in the list before the others. Raises SettingsError.

    They see through invisible characters, unless one of them could be meant for those.
    """

    __slots__ = ("_begun", "_whole", "sees_through")

    def __init__(self, patterns: Sequence[str]) -> None:
        parts = []
        for pattern in patterns:
            compiled(pattern)
            part = taken_apart(pattern)
            if part.least < 1:
                raise SettingsError(f"the pattern {pattern!r} matches nothing at all as well, which is everywhere")
            parts.append(part)
        self.sees_through = not any(map(may_mean, patterns))
        self._whole = compiled("|".join(f"(?:{pattern})" for pattern in patterns))
        self._begun = compiled(f"(?:{'|'.join(part.begun for part in parts)})\\z")

    def find(self, text: str, start: int) -> Span | None:
        """As `Finder` says."""
        return spans(self._whole, text, start)

    def pending(self, text: str, start: int) -> int:
        """As `Finder` says."""
        found = spans(self._begun, text, start)
        return len(text) if found is None else found[0]


def spans(pattern: Compiled, text: str, start: int) -> Span | None:
    """The first match in `text` that begins at `start` or behind it."""
    data = text.encode()
    if len(data) == len(text):
        found = pattern.search(data, start)
        return None if found is None else found.span()
    found = pattern.search(data, len(text[:start].encode()))
    if found is None:
        return None
    begin, end = found.span()
    first = len(text) if begin == len(data) else len(data[:begin].decode())
    return first, first + len(data[begin:end].decode())


def compiled(pattern: str, *, longest: bool = False) -> Compiled:
    """The pattern. Raises SettingsError with the engine's words where it is none, or too large."""
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False  # it would write to standard error by itself
    options.never_capture = True
    options.longest_match = longest
    try:
        pattern_of: Compiled = re2.compile(pattern, options)
    except re2.error as exc:
        why = exc.args[0].decode(errors="replace") if isinstance(exc.args[0], bytes) else str(exc)
        raise SettingsError(f"the pattern {pattern[:200]!r} cannot be used: {why}") from exc
    return pattern_of
