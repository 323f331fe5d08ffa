"""Keeps text that looks like a model's special tokens text: a joiner is put inside, and taken out of the answer.

Which texts of a request are guarded is decided in `guarding`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from glmgate.adaptation.trees import Json

JOINER: Final = "\u2060"  # word joiner: no width, no line break, and in no special token

_WORTH_KEEPING: Final = 8192  # bytes of JSON; 256 of them are kept
_SHORTEST: Final = 3  # shorter "special" tokens are ordinary punctuation somewhere
_BLANK: Final = "\u2581"  # how sentence-piece vocabularies write a blank


class Guard:
    """Guards the texts of `tokens`.

    A token is looked for as if there were no joiners in the text. Where one begins, its first character gets one joiner
    more. Joiners don't change where tokens begin, so taking one away from each such place gives every text back byte
    for byte, whatever joiners it had before.
    """

    __slots__ = ("_first", "_firsts", "_guarded", "_is_plain", "_longest", "_prefixes", "_unguarded")

    def __init__(self, tokens: Iterable[str]) -> None:
        chosen = sorted({token for token in tokens if _worth_guarding(token)})
        self._longest = max(map(len, chosen), default=0)
        self._prefixes = _open_prefixes(chosen)
        self._firsts = tuple(sorted({token[0] for token in chosen}))
        self._first = _any_of(set(self._firsts))
        self._is_plain = all(token.isprintable() and not {'"', "\\"} & set(token) for token in chosen)
        self._unguarded = re.compile("|".join(_starts(chosen, between=""))) if chosen else None
        self._guarded = re.compile("|".join(_starts(chosen, between=JOINER))) if chosen else None

    def put_in(self, text: str) -> str:
        """`text` without any special token in it."""
        # Looked for first, and their first characters before that: replacing costs a call of Python's own for each
        # text, found or not, and a search ten times what it costs to see that a character is not there.
        for first in self._firsts:
            if first in text:
                break
        else:
            return text
        if self._unguarded is None or self._unguarded.search(text) is None:
            return text
        return self._unguarded.sub(rf"\g<0>{JOINER}", text)

    def may_stand_in(self, texts: list[str]) -> bool:
        """False when no token begins in any of `texts`, nor an escape of JSON that may be the beginning of one."""
        whole = "\n".join(texts)
        return "\\" in whole or any(first in whole for first in self._firsts)

    def leaves(self, value: Json) -> bool:
        """True when `put_in_all` would surely change nothing: no token stands in the value's JSON."""
        if not self._is_plain:
            return False
        data = msgspec.json.encode(value)
        return len(data) <= _WORTH_KEEPING and _is_left(self, data)

    def put_in_all(self, value: Json) -> Json:
        """A JSON value with every string of it guarded, keys too. Its depth is bounded by the rules before."""
        if isinstance(value, str):
            return self.put_in(value)
        if isinstance(value, dict):
            return {self.put_in(key): self.put_in_all(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.put_in_all(item) for item in value]
        return value

    def take_out(self, text: str) -> str:
        """The text of which `put_in` made this one."""
        if self._guarded is None or JOINER not in text:
            return text
        return self._guarded.sub(_without_last, text)

    def decided(self, text: str) -> int:
        """How far `text` can be judged before more of it comes: from there on, something may still become a token."""
        if self._first is None or self._first.search(text) is None:
            return len(text)
        earliest = len(text)
        tail = ""
        for place in range(len(text) - 1, -1, -1):
            if text[place] == JOINER:
                continue
            tail = text[place] + tail
            if len(tail) >= self._longest:
                break
            if tail in self._prefixes and text[place + 1 : place + 2] in ("", JOINER):
                earliest = place
        return earliest

    def take_out_until(self, text: str, end: int) -> str:
        """The first `end` characters of `text`, judged by all of it, with the joiners taken out."""
        if self._guarded is None or JOINER not in text:
            return text[:end]
        kept = []
        place = 0
        for match in self._guarded.finditer(text):
            if match.start() >= end:
                break
            kept.append(text[place : match.end() - 1])
            place = match.end()
        kept.append(text[place:end])
        return "".join(kept)


class GuardStream:
    """Takes joiners out of text that arrives in pieces."""

    __slots__ = ("_guard", "_held")

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._held: list[str] = []

    def feed(self, text: str) -> str:
        """Take text, give what is decided."""
        if self._held:
            if not text.strip(JOINER):  # joiners alone decide nothing; a long run of them must not be judged again
                self._held.append(text)
                return ""
            text = "".join((*self._held, text))
        end = self._guard.decided(text)
        self._held = [text[end:]] if end < len(text) else []
        return self._guard.take_out_until(text, end)

    def flush(self) -> str:
        """No more text comes: what was held back holds no token that is complete."""
        held = "".join(self._held)
        self._held = []
        return self._guard.take_out(held)


@functools.lru_cache(maxsize=64)
def guard_of(tokens: tuple[str, ...]) -> Guard:
    """The guard for a model's special tokens; made once for each model."""
    return Guard(tokens)


@functools.lru_cache(maxsize=256)
def _is_left(guard: Guard, data: bytes) -> bool:
    """The same tools come with every request of a conversation."""
    text = data.decode()
    return guard.put_in(text) is text


def _worth_guarding(token: str) -> bool:
    return len(token) >= _SHORTEST and JOINER not in token and bool(token.replace(_BLANK, " ").strip())


def _starts(tokens: list[str], *, between: str) -> Iterable[str]:
    """For each first character: it, then `between`, where the rest of a token follows, whatever joiners are inside."""
    rests: dict[str, list[str]] = {}
    for token in tokens:
        rests.setdefault(token[0], []).append(f"{JOINER}*".join(map(re.escape, token[1:])))
    return [f"{re.escape(first)}{between}(?={JOINER}*(?:{'|'.join(ends)}))" for first, ends in rests.items()]


def _open_prefixes(tokens: list[str]) -> frozenset[str]:
    """What may become a token and is none yet."""
    complete = frozenset(tokens)
    prefixes: set[str] = set()
    for token in tokens:
        for end in range(1, len(token)):
            if token[:end] in complete:
                break
            prefixes.add(token[:end])
    return frozenset(prefixes)


def _any_of(characters: set[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, sorted(characters)))) if characters else None


def _without_last(match: re.Match[str]) -> str:
    return match[0][:-1]
