"""One text through one filter, in as many pieces as it comes; what comes out does not depend on how it was cut.

A piece is held back only from the place on where a match may have begun that is not over. A match that is longer than
HOLD is no longer waited for: what there is of it counts as all of it. That is decided only every BLOCK characters of
the text, so that it does not depend on the pieces either.

What nobody sees of a text is laid aside, and stands again where it stood unless that is inside of a match.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from glmgate.policy.filters.expressions import Finder, Span
from glmgate.policy.filters.folding import fold, is_plain, parted

HOLD: Final = 8192
"""Characters; the largest private key in use (RSA, 8,192 bits) has 6,400."""
BLOCK: Final = 2048

Action = Literal["mask", "refuse"]
Check = Callable[[str], Span | int]
"""The part of a (folded) match that is really meant; where there is none, such as in a number of a wrong sum, the place
in it from which on to look again, which is not its beginning."""


class Machine(Protocol):
    """A text that goes through: what `feed` and `close` give is one text. Nothing comes after `close`."""

    @property
    def refused(self) -> str | None:
        """The name of the filter that refuses the text; then nothing comes out any more."""
        ...

    def feed(self, text: str) -> str:
        """Take the next piece; gives what may leave."""
        ...

    def close(self) -> str:
        """The text is over; gives what was held back."""
        ...


@dataclass(slots=True)
class Counts:
    """How often each filter has found something, by its name."""

    found: dict[str, int] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Once more."""
        self.found[name] = self.found.get(name, 0) + 1


@dataclass(slots=True)
class Numbers:
    """Numbers equal texts alike, so that masked texts can still be told apart; forgotten with the request."""

    known: dict[str, int] = field(default_factory=dict)

    def of(self, text: str) -> int:
        """The number of the text: 1 for the first one."""
        return self.known.setdefault(text, len(self.known) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a filter looks for in texts, and what it does. `{n}` in `replacement` is the number of the masked text."""

    name: str
    finder: Finder
    action: Action = "mask"
    replacement: str = ""
    check: Check | None = None

    def mask(self, text: str, numbers: Numbers) -> str:
        """What stands in the place of `text`."""
        if "{n}" not in self.replacement:
            return self.replacement
        return self.replacement.replace("{n}", str(numbers.of(text)))


class Scan(Machine):
    """One text on its way through one rule."""

    __slots__ = (
        *("_begins", "_counts", "_done", "_folded", "_from", "_numbers"),
        *("_refused", "_rule", "_taken", "_text", "_unseen"),
    )

    def __init__(self, rule: Rule, counts: Counts, numbers: Numbers) -> None:
        self._rule = rule
        self._counts = counts
        self._numbers = numbers
        self._refused = False
        self._text = ""
        self._folded = ""
        self._done = 0  # what stands before it has left
        self._from = 0  # the next match begins here or behind
        self._taken = 0
        self._begins = 0  # how many characters of the text stood before `_text`
        self._unseen: deque[tuple[int, str]] = deque()  # what was laid aside, with how many characters stand before it

    @property
    def refused(self) -> str | None:
        """As `Machine` says."""
        return self._rule.name if self._refused else None

    def feed(self, text: str) -> str:
        """As `Machine` says."""
        if is_plain(text):
            return self._feed(text, text)
        if self._rule.finder.sees_through:
            text, unseen = parted(text)
            self._unseen += ((self._taken + before, run) for before, run in unseen)
        return self._feed(text, fold(text))

    def _feed(self, text: str, folded: str) -> str:
        out: list[str] = []
        at = 0
        while at < len(text) and not self._refused:
            end = at + BLOCK - self._taken % BLOCK
            part = text[at:end]
            self._text += part
            self._folded += folded[at:end]
            self._taken += len(part)
            at = end
            self._settle(out, self._pending())
            if self._taken % BLOCK == 0 and len(self._text) - self._done > HOLD:
                self._force(out)
            self._forget()
        if not self._refused:
            self._release(out, self._done)  # unseen characters alone may have come
        return "".join(out)

    def close(self) -> str:
        """As `Machine` says."""
        out: list[str] = []
        if not self._refused:
            self._settle(out, None)
        self._forget()
        return "".join(out)

    def _pending(self) -> int:
        return self._rule.finder.pending(self._folded, self._from)

    def _settle(self, out: list[str], limit: int | None, *, last: bool = False) -> None:
        """Take the matches that begin before `limit` (None: all), and let go what is before it.

        With `last` they count as they stand, whatever more text would make of them.
        """
        while (span := self._rule.finder.find(self._folded, self._from)) is not None:
            start, end = span
            if limit is not None and start >= limit:
                break
            meant = self._meant(start, end)
            if isinstance(meant, int):
                self._from = meant
            else:
                self._take(out, *meant)
                if self._refused:
                    return
            if limit is not None and not last and self._from > limit:
                limit = self._pending()
        self._release(out, len(self._text) if limit is None else limit)

    def _meant(self, start: int, end: int) -> Span | int:
        if self._rule.check is None:
            return start, end
        part = self._rule.check(self._folded[start:end])
        return start + part if isinstance(part, int) else (start + part[0], start + part[1])

    def _take(self, out: list[str], start: int, end: int) -> None:
        self._counts.add(self._rule.name)
        self._release(out, start)
        self._from = self._done = end
        while self._unseen and self._unseen[0][0] < self._begins + end:
            self._unseen.popleft()
        if self._rule.action == "refuse":
            self._refused = True
        else:
            out.append(self._rule.mask(self._folded[start:end], self._numbers))

    def _release(self, out: list[str], end: int) -> None:
        while self._unseen and self._unseen[0][0] <= self._begins + end:
            before, run = self._unseen.popleft()
            self._let_go(out, before - self._begins)
            out.append(run)
        self._let_go(out, end)
        self._from = max(self._from, self._done)

    def _let_go(self, out: list[str], end: int) -> None:
        if end > self._done:
            out.append(self._text[self._done : end])
            self._done = end

    def _force(self, out: list[str]) -> None:
        """Let go all but the last HOLD characters; matches that begin there are taken as they stand."""
        limit = len(self._text) - HOLD
        self._settle(out, limit, last=True)

    def _forget(self) -> None:
        """Keep what is needed: what is held back, and one character before it, for the edges of words."""
        keep = max(self._done - 1, 0)
        if keep:
            self._text, self._folded = self._text[keep:], self._folded[keep:]
            self._done -= keep
            self._from -= keep
            self._begins += keep


class Chained(Machine):
    """Several machines, one after the other."""

    __slots__ = ("_machines", "_refused")

    def __init__(self, machines: tuple[Machine, ...]) -> None:
        self._machines = machines
        self._refused: str | None = None

    @property
    def refused(self) -> str | None:
        """As `Machine` says."""
        return self._refused

    def feed(self, text: str) -> str:
        """As `Machine` says."""
        return self._through(text, over=False)

    def close(self) -> str:
        """As `Machine` says."""
        return self._through("", over=True)

    def _through(self, text: str, *, over: bool) -> str:
        """A text that one machine refuses ends there for the machines behind it."""
        if self._refused is not None:
            return ""
        for machine in self._machines:
            if text:
                text = machine.feed(text)
            if over and machine.refused is None:
                text += machine.close()
            if machine.refused is not None:
                self._refused = machine.refused
                over = True
        return text


def whole(machine: Machine, text: str) -> str:
    """A whole text through a machine."""
    return machine.feed(text) + machine.close()
