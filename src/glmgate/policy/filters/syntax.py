"""Patterns taken apart, to make of each another one: that of all beginnings of what it matches.

With it a text that is still arriving is known to hold, or not to hold, the beginning of a match at its end. The engine
(RE2) has judged a pattern before it comes here; only what is needed to take it apart is understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from glmgate.errors import SettingsError

_REPEAT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}")
_ESCAPE: Final = re.compile(r"\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[0-9A-Fa-f]+\}|[0-9A-Fa-f]{2})|[0-7]{1,3}|.)", re.DOTALL)
_GROUP: Final = re.compile(r"\((?:\?(?:P?<[^>]*>|(?P<flags>[imsU-]*)(?P<end>[:)])))?")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\.|[^\]\\])*\]", re.DOTALL)
# What stands between \Q and \E is meant as it is; other escapes are passed over.
_QUOTED: Final = re.compile(r"\\Q(?P<quoted>.*?)(?:\\E|\Z)|\\.", re.DOTALL)
_NO_TEXT: Final = frozenset({"\\b", "\\B", "\\A", "\\z"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A part of a pattern. `full` matches what it matches without looking around, `begun` all beginnings of that.

    `least` is the number of characters of its shortest match.
    """

    full: str
    begun: str
    least: int


_NOTHING: Final = Pattern("", "", 0)


def taken_apart(pattern: str) -> Pattern:
    """A pattern that RE2 takes. Raises SettingsError for the two things that are not understood."""
    return _Reader(_QUOTED.sub(_unquoted, pattern)).alternatives()


def _unquoted(found: re.Match[str]) -> str:
    return found[0] if found["quoted"] is None else re.escape(found["quoted"])


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._flags: dict[str, bool] = {}

    def alternatives(self) -> Pattern:
        """Up to the end of the group or of the text."""
        found = [self._sequence()]
        while self._text.startswith("|", self._at):
            self._at += 1
            found.append(self._sequence())
        if len(found) == 1:
            return found[0]
        return Pattern(
            f"(?:{'|'.join(each.full for each in found)})",
            f"(?:{'|'.join(each.begun for each in found)})",
            min(each.least for each in found),
        )

    def _sequence(self) -> Pattern:
        items: list[Pattern] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            items.append(self._repeated(self._one()))
        joined = _NOTHING
        for item in reversed(items):
            joined = _followed(item, joined)
        return joined

    def _one(self) -> Pattern:
        text, at = self._text, self._at
        if text[at] == "(":
            return self._group()
        if text[at] == "\\":
            return self._atom(self._matched(_ESCAPE))
        if text[at] == "[":
            return self._atom(self._matched(_CLASS))
        self._at += 1
        return _NOTHING if text[at] in "^$" else self._atom(text[at])

    def _matched(self, kind: re.Pattern[str]) -> str:
        found = kind.match(self._text, self._at)
        if found is None:
            raise SettingsError(f"the pattern {self._text!r} is not understood from {self._text[self._at :]!r} on")
        self._at = found.end()
        return found[0]

    def _atom(self, text: str) -> Pattern:
        if text in _NO_TEXT:
            return _NOTHING
        if text == "\\C":
            raise SettingsError(f"the pattern {self._text!r} has \\C, half of a character: use a dot")
        on = "".join(flag for flag, is_on in self._flags.items() if is_on)
        off = "".join(flag for flag, is_on in self._flags.items() if not is_on)
        flags = on + (f"-{off}" if off else "")
        full = f"(?{flags}:{text})" if flags else text
        return Pattern(full, f"(?:{full})?", 1)

    def _group(self) -> Pattern:
        found = _GROUP.match(self._text, self._at)
        assert found is not None, "RE2 has taken it"
        self._at = found.end()
        before = dict(self._flags)
        if found["flags"] is not None:
            self._switch(found["flags"])
            if found["end"] == ")":  # until the end of the group that it stands in
                return _NOTHING
        inner = self.alternatives()
        self._at += 1
        self._flags = before
        return Pattern(f"(?:{inner.full})", inner.begun, inner.least)

    def _switch(self, flags: str) -> None:
        on, _, off = flags.partition("-")
        self._flags |= dict.fromkeys(on, True) | dict.fromkeys(off, False)

    def _repeated(self, item: Pattern) -> Pattern:
        while (bounds := self._bounds()) is not None:
            if self._text.startswith("?", self._at):  # which of several ends is taken makes no beginning
                self._at += 1
            item = _times(item, *bounds)
        return item

    def _bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        sign = self._text[self._at : self._at + 1]
        if sign in simple:
            self._at += 1
            return simple[sign]
        found = _REPEAT.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        low = int(found[1])
        return low, (int(found[3]) if found[3] else None if found[2] else low)


def _followed(first: Pattern, rest: Pattern) -> Pattern:
    if first == _NOTHING:
        return rest
    if rest == _NOTHING:
        return first
    return Pattern(first.full + rest.full, f"(?:{first.full}{rest.begun}|{first.begun})", first.least + rest.least)


def _times(item: Pattern, low: int, high: int | None) -> Pattern:
    if item == _NOTHING or high == 0:
        return _NOTHING
    one = f"(?:{item.full})"
    if high is None:
        return Pattern(f"{one}{{{low},}}", f"{one}*{item.begun}", low * item.least)
    before = f"{one}{{0,{high - 1}}}" if high > 1 else ""
    return Pattern(f"{one}{{{low},{high}}}", before + item.begun, low * item.least)
