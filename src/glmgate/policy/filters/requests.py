"""A request on its way through filters: it is changed, or refused with the filter's name and the text's place.

No error and no note ever holds a part of a text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic

from glmgate.errors import ContentFiltered
from glmgate.policy.filters.chain import Inline, Texts
from glmgate.policy.filters.json_text import JsonText
from glmgate.policy.filters.places import Collected, R, Request, Visitor, visited
from glmgate.policy.filters.scan import Counts, Machine, Numbers, whole
from glmgate.wire.engine import Note
from glmgate.wire.moderation import Passage


@dataclass(frozen=True, slots=True)
class Filtered(Generic[R]):
    """A request after its filters, and what is to be reported."""

    request: R
    notes: tuple[Note, ...] = ()


def filtered(request: R, filters: tuple[Inline, ...], counts: Counts) -> Filtered[R]:
    """The request as it may go on. Raises ContentFiltered. `counts` is told of everything that is found."""
    visitor = _Through(Texts(filters, counts, Numbers()), counts)
    after = visited(request, visitor)
    notes = tuple(Note(field, f"masked:{times}", exact=False) for field, times in visitor.masked.items())
    return Filtered(after, notes)


def passages(request: Request) -> tuple[Passage, ...]:
    """The texts of a request, for hooks."""
    collected = Collected()
    visited(request, collected)
    return tuple(Passage(place, text) for place, text in collected.found)


def refusal(name: str, place: str | None, categories: Iterable[str] = ()) -> ContentFiltered:
    """What a caller is told whose request a filter refuses."""
    where = "the request" if place is None else place
    words = sorted({word for word in categories if word.isascii() and word.isprintable() and len(word) <= 64})[:16]
    why = f" ({', '.join(words)})" if words else ""
    return ContentFiltered(
        f"The filter {name!r} refuses {where}{why}. Send it without what the filter does not let pass.",
        param=None if place is None else place,
    )


@dataclass(slots=True)
class _Through(Visitor):
    """Puts each text through the filters. `masked` counts by the request's member."""

    texts: Texts
    counts: Counts
    masked: dict[str, int] = field(default_factory=dict)

    def text(self, place: str, text: str) -> str:
        """As `Visitor` says."""
        return self._put(place, text, self.texts.machine())

    def json(self, place: str, text: str) -> str:
        """As `Visitor` says."""
        return self._put(place, text, JsonText(self.texts.machine))

    def _put(self, place: str, text: str, machine: Machine) -> str:
        before = sum(self.counts.found.values())
        after = whole(machine, text)
        if machine.refused is not None:
            raise refusal(machine.refused, place)
        if times := sum(self.counts.found.values()) - before:
            member = place.partition("[")[0]
            self.masked[member] = self.masked.get(member, 0) + times
            return after
        return text  # as it was written: JSON may be written in several ways
