"""The filters that there are, and which of them a request meets, in which order.

Those that look for something in texts come first, then hooks: what is masked is not shown to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from glmgate.errors import Remedy, Unavailable
from glmgate.policy.filters.scan import Action, Chained, Counts, Machine, Numbers, Rule, Scan
from glmgate.wire.moderation import Direction, Moderator
from glmgate.wire.terms import Scope

Side = Direction | Literal["both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFilter:
    """Looks for something in texts."""

    rule: Rule
    side: Side = "both"

    @property
    def name(self) -> str:
        """What terms and reports call it."""
        return self.rule.name

    @property
    def action(self) -> Action:
        """What it does."""
        return self.rule.action


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeFilter:
    """Refuses a request, or a choice of an answer, whose texts have more characters."""

    name: str
    most: int
    side: Side = "both"

    @property
    def action(self) -> Action:
        """It can only refuse."""
        return "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFilter:
    """Asks somebody. `is_open`: texts pass when nobody answers in `timeout_s`; else they do not.

    Of an answer it is asked every so many characters and at the end; 0: at the end only.
    """

    name: str
    hook: Moderator = field(repr=False)
    side: Side = "both"
    timeout_s: float = 5.0
    is_open: bool = False
    every: int = 0


Filter = TextFilter | SizeFilter | HookFilter
Inline = TextFilter | SizeFilter


@dataclass(frozen=True, slots=True)
class Chain:
    """Filters of one direction, in their order."""

    inline: tuple[Inline, ...] = ()
    hooks: tuple[HookFilter, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.inline or self.hooks)


class UnknownFilter(Unavailable):
    """Terms name a filter that the settings do not have. Nothing passes until somebody has decided which is right."""

    code = "filter_missing"
    retry: bool | None = False
    remedy: Remedy = "tell"
    is_ours = True


def names(default: Sequence[str], scopes: Iterable[Scope]) -> tuple[str, ...]:
    """The filters for a caller of these scopes: those for all, then the organisation's, the project's, the key's."""
    return tuple(dict.fromkeys([*default, *(name for scope in scopes for name in scope.terms.filters)]))


def chain(known: Mapping[str, Filter], wanted: Iterable[str], direction: Direction) -> Chain:
    """The filters of these names that look in one direction. Raises UnknownFilter."""
    found: list[Filter] = []
    for name in wanted:
        each = known.get(name)
        if each is None:
            raise UnknownFilter(
                f"The filter {name!r} that has to look at this request is not in the settings of this server. "
                "Whoever runs it has to add it, or to take it out of the key's, project's or organisation's terms."
            )
        if each.side in {direction, "both"}:
            found.append(each)
    return Chain(
        tuple(each for each in found if not isinstance(each, HookFilter)),
        tuple(each for each in found if isinstance(each, HookFilter)),
    )


@dataclass(slots=True)
class Texts:
    """Texts that belong together, those of a request or of one choice of an answer, on their way through filters."""

    filters: tuple[Inline, ...]
    counts: Counts
    numbers: Numbers
    size: int = 0

    def machine(self) -> Machine:
        """What one of the texts goes through."""
        return Chained(
            tuple(
                Scan(each.rule, self.counts, self.numbers) if isinstance(each, TextFilter) else _Measure(each, self)
                for each in self.filters
            )
        )


class _Measure(Machine):
    """Counts the characters of all texts that belong together."""

    __slots__ = ("_filter", "_refused", "_texts")

    def __init__(self, filter_: SizeFilter, texts: Texts) -> None:
        self._filter = filter_
        self._texts = texts
        self._refused = False

    @property
    def refused(self) -> str | None:
        """As `Machine` says."""
        return self._filter.name if self._refused else None

    def feed(self, text: str) -> str:
        """As `Machine` says."""
        room = self._filter.most - self._texts.size
        self._texts.size += len(text)
        if len(text) <= room:
            return text
        self._refused = True
        self._texts.counts.add(self._filter.name)
        return text[: max(room, 0)]

    def close(self) -> str:
        """As `Machine` says."""
        return ""
