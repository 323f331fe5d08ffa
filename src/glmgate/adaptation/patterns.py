"""Which regular expressions of strangers are accepted: those that a matcher runs in linear time, and not too large.

Whether one is well formed beyond that is the engine's matter; it refuses it by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LOOKAROUND: Final = re.compile(r"\(\?(?:[=!]|<[=!])")
_BACKREFERENCE: Final = re.compile(r"\\(?:[1-9]|k[<'{]|g[<'{])|\(\?P=|\(\?\(|\(\?[R0-9&+-]|\(\?>")
_ESCAPED: Final = re.compile(r"\\(?:[^1-9kg]|$)", re.DOTALL)
_CLASS: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_ESCAPING_CLASS: Final = re.compile(r"\\.|\[\^?\]?((?:\\.|[^\]\\])*)\]", re.DOTALL)
_RANGE: Final = re.compile(r"\\.|([^\\-])-([^\\])", re.DOTALL)
_TOKEN: Final = re.compile(
    r"\{(?P<low>\d+)(?P<comma>,?)(?P<high>\d*)\}[?+]?"
    r"|(?P<often>[*+?])[?+]?"
    r"|(?P<open>\((?:\?(?:P?<\w*>|[a-zA-Z-]*:?))?)"
    r"|(?P<close>\))"
    r"|(?P<or>\|)"
    r"|(?P<atom>.)",
    re.DOTALL | re.ASCII,
)
_DIGITS: Final = 9  # no count that is accepted has more
# What an open end costs the matcher beside a count, measured by its time for a token.
_OPEN_END: Final = 30
_OPTION: Final = 10


def objection(pattern: str, *, longest: int, repeat: int) -> str | None:
    """Why `pattern` is not accepted, or None. `longest` in characters; `repeat` bounds each count, and `nesting`."""
    if len(pattern) > longest:
        return f"the pattern has {len(pattern)} characters, at most {longest}"
    bare = _bare(pattern)
    if _LOOKAROUND.search(bare):
        return "lookahead and lookbehind are not supported, because they have no bound on their time"
    if _BACKREFERENCE.search(bare):
        return "backreferences, conditions and recursion are not supported, because they have no bound on their time"
    shape = _shape(bare)
    # With these the engine's counter runs over: it takes all memory there is (measured: 150 MB in a second).
    if shape.backward or _has_backward_range(pattern):
        return "a count or a range ends before it begins"
    if shape.largest > repeat:
        return f"a repetition count is over {repeat}"
    if shape.nested > repeat:
        return "repetitions inside repetitions make it too large; use smaller counts"
    return None


def nesting(pattern: str) -> int:
    """What the repetitions inside counted repetitions cost: the sum of their products.

    The engine's matcher follows all ways to read a text at once. `([a-z]{1,30}){1,30}` (900) takes 15 ms for a token,
    `(a?){1,200}` (400,000) 400 ms, `([a-z]{0,10}){1,99}` (98,010) longer than anybody waits.
    """
    return _shape(_bare(pattern)).nested


@dataclass(slots=True)
class _Part:
    """What has been read of a group or an atom: its weight, and whether it may match nothing."""

    weight: int = 0
    empty: bool = True
    any_empty: bool = False

    def add(self, part: _Part | None) -> None:
        if part is not None:
            self.weight += part.weight
            self.empty = self.empty and part.empty

    def alternative(self) -> None:
        self.any_empty = self.any_empty or self.empty
        self.empty = True


@dataclass(slots=True)
class _Shape:
    largest: int = 0
    nested: int = 0
    backward: bool = False

    def repeated(self, part: _Part, low: int, most: int, *, counted: bool) -> _Part:
        if counted:
            self.largest = max(self.largest, low, most)
            self.backward = self.backward or low > most
        empty = low == 0 or part.empty
        if part.weight == 0:
            return _Part(most, empty)
        if not counted or most <= 1:
            return _Part(part.weight, empty)
        # One that may match nothing can be read in so many ways that its count counts twice.
        weight = part.weight * most * (most if part.empty else 1)
        self.nested += weight
        return _Part(weight, empty)


def _bare(pattern: str) -> str:
    """`pattern` with every class and every escaped character as one letter."""
    return _CLASS.sub("C", _ESCAPED.sub("E", pattern))


def _has_backward_range(pattern: str) -> bool:
    ranges = (each for found in _ESCAPING_CLASS.finditer(pattern) for each in _RANGE.finditer(found[1] or ""))
    return any(each[1] is not None and each[1] > each[2] for each in ranges)


def _shape(bare: str) -> _Shape:
    shape = _Shape()
    groups = [_Part()]
    last: _Part | None = None
    for token in _TOKEN.finditer(bare):
        kind = token.lastgroup
        if kind in ("low", "comma", "high", "often"):
            last = None if last is None else _quantified(shape, last, token)
            continue
        if kind == "close" and len(groups) > 1:
            groups[-1].add(last)
            groups[-1].alternative()
            closed = groups.pop()
            last = _Part(closed.weight, closed.any_empty)
            continue
        groups[-1].add(last)
        last = _Part(empty=False) if kind in ("atom", "close") else None
        if kind == "or":
            groups[-1].alternative()
        elif kind == "open":
            groups.append(_Part())
    return shape


def _quantified(shape: _Shape, part: _Part, token: re.Match[str]) -> _Part:
    if (often := token["often"]) is not None:
        return shape.repeated(part, int(often == "+"), _OPTION if often == "?" else _OPEN_END, counted=False)
    low = int(token["low"][:_DIGITS])
    most = low if not token["comma"] else int(token["high"][:_DIGITS]) if token["high"] else max(low, _OPEN_END)
    return shape.repeated(part, low, most, counted=True)
