"""JSON that is still being written, through filters: its strings and numbers are texts, and it stays JSON.

From where on it turns out to be no JSON it is a text like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from glmgate.policy.filters.scan import Machine, whole

SHORTEST_NUMBER: Final = 6
"""Numbers of fewer signs are nobody's; half a million of them would take 20 s (measured, seven filters)."""
_PLAIN: Final = re.compile(r'[^"\\]*')
_BETWEEN: Final = re.compile(r"[\[\]{},: \t\r\n]*")
_BARE: Final = re.compile(r'[^\[\]{},:"]*')
_NUMBER: Final = re.compile(r"[0-9.eE+-]*")
_NAMES: Final = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_LONGEST_BARE: Final = 1024
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WRITTEN: Final[dict[int, str]] = (
    {code: f"\\u{code:04x}" for code in (*range(0x20), *range(0xD800, 0xE000))}
    | {ord(character): f"\\{sign}" for sign, character in _ESCAPES.items() if sign != "/"}
    | {ord("/"): "/"}
)
_HIGH: Final = range(0xD800, 0xDC00)
_LOW: Final = range(0xDC00, 0xE000)


class JsonText(Machine):
    """Each string goes through a machine of its own that `make` makes. A number that is masked becomes a string."""

    __slots__ = ("_bare", "_escape", "_high", "_inside", "_make", "_no_json", "_refused")

    def __init__(self, make: Callable[[], Machine]) -> None:
        self._make = make
        self._inside: Machine | None = None
        self._escape = ""  # as far as it has come
        self._high = 0  # the first half of a pair, until the other one is there
        self._bare = ""  # what stands between strings and may become a number or a name
        self._no_json: Machine | None = None
        self._refused: str | None = None

    @property
    def refused(self) -> str | None:
        """As `Machine` says."""
        return self._refused

    def feed(self, text: str) -> str:
        """As `Machine` says."""
        out: list[str] = []
        at = 0
        while at < len(text) and self._refused is None:
            if self._no_json is not None:
                at = self._as_text(self._no_json, text, at, out)
            elif self._inside is not None:
                at = self._in_string(self._inside, text, at, out)
            else:
                at = self._outside(text, at, out)
        return "".join(out)

    def close(self) -> str:
        """As `Machine` says."""
        out: list[str] = []
        if self._refused is None:
            self._end_bare(out)
        if self._refused is None and self._no_json is not None:
            out.append(self._no_json.close())
            self._refused = self._no_json.refused
        if self._refused is None and self._inside is not None:
            self._end_string(self._inside, out)
        return "".join(out)

    def _outside(self, text: str, at: int, out: list[str]) -> int:
        if not self._bare:
            between = _BETWEEN.match(text, at)
            assert between is not None, "it matches nothing too"
            out.append(between[0])
            at = between.end()
            if text[at : at + 1] == '"':
                out.append('"')
                self._inside = self._make()
                return at + 1
        found = _BARE.match(text, at)
        assert found is not None, "it matches nothing too"
        self._bare += found[0]
        if found.end() < len(text):
            self._end_bare(out)
        elif not _may_become_json(self._bare.rstrip()):
            self._begin_text(out)
        return found.end()

    def _end_bare(self, out: list[str]) -> None:
        written = self._bare.rstrip()
        if written in _NAMES:
            out.append(self._bare)
            self._bare = ""
        elif len(written) <= _LONGEST_BARE and _NUMBER.fullmatch(written):
            blanks, self._bare = self._bare[len(written) :], ""
            self._number(written, out)
            out.append(blanks)
        else:
            self._begin_text(out)

    def _number(self, number: str, out: list[str]) -> None:
        if len(number) < SHORTEST_NUMBER:
            out.append(number)
            return
        machine = self._make()
        after = whole(machine, number)
        self._refused = machine.refused
        if after == number:
            out.append(number)
        elif self._refused is None:
            out.append(f'"{_written(after)}"')

    def _begin_text(self, out: list[str]) -> None:
        bare, self._bare = self._bare, ""
        self._no_json = self._make()
        self._as_text(self._no_json, bare, 0, out)

    def _as_text(self, machine: Machine, text: str, at: int, out: list[str]) -> int:
        out.append(machine.feed(text[at:]))
        self._refused = machine.refused
        return len(text)

    def _in_string(self, inside: Machine, text: str, at: int, out: list[str]) -> int:
        if self._escape:
            return self._in_escape(inside, text, at, out)
        found = _PLAIN.match(text, at)
        assert found is not None, "it matches nothing too"
        if found[0]:
            self._put(inside, found[0], out)
        if found.end() == len(text) or self._refused is not None:
            return len(text)
        if text[found.end()] == "\\":
            self._escape = "\\"
        else:
            self._end_string(inside, out)
            self._inside = None
            if self._refused is None:
                out.append('"')
        return found.end() + 1

    def _in_escape(self, inside: Machine, text: str, at: int, out: list[str]) -> int:
        self._escape += text[at]
        sign = self._escape[1]
        if sign == "u" and len(self._escape) < 6:
            return at + 1
        escape, self._escape = self._escape, ""
        try:
            code = int(escape[2:], 16) if sign == "u" else ord(_ESCAPES[sign])  # noqa: FURB166 -- no prefix of Python
        except (ValueError, KeyError):  # it is no JSON; the characters are taken as they are
            self._put(inside, escape, out)
            return at + 1
        if self._high and code in _LOW:
            code = 0x10000 + ((self._high - _HIGH.start) << 10) + (code - _LOW.start)
            self._high = 0
        if code in _HIGH and not self._high:
            self._high = code
        else:
            self._put(inside, chr(code), out)
        return at + 1

    def _put(self, inside: Machine, text: str, out: list[str]) -> None:
        if self._high:
            text, self._high = chr(self._high) + text, 0
        out.append(_written(inside.feed(text)))
        self._refused = inside.refused

    def _end_string(self, inside: Machine, out: list[str]) -> None:
        if self._high:
            self._put(inside, "", out)
        out.append(_written(inside.close()))
        self._refused = inside.refused


def _may_become_json(bare: str) -> bool:
    if len(bare) > _LONGEST_BARE:
        return False
    return _NUMBER.fullmatch(bare) is not None or any(name.startswith(bare) for name in _NAMES)


def _written(text: str) -> str:
    """The text as it stands between quotation marks."""
    return text.translate(_WRITTEN) if text else text
