"""Reading the audit log, piece by piece, however long it is: to verify it, and to find acts in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from glmgate.policy.audit import Entry, Verifier
from glmgate.policy.interfaces import AuditStore

_PIECE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which acts: empty lists say nothing. Times are Unix seconds, `since` and `until` are included."""

    actors: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether an act is one of them."""
        named = (
            (self.actors, entry.actor),
            (self.actions, entry.action),
            (self.subjects, entry.subject),
            (self.projects, entry.project),
        )
        if not all(not wanted or value in wanted for wanted, value in named):
            return False
        return (self.since is None or entry.at >= self.since) and (self.until is None or entry.at <= self.until)


async def verified(store: AuditStore, verifier: Verifier) -> None:
    """Show the verifier every row of the log."""
    last = 0
    while entries := await store.entries(after=last, limit=_PIECE):
        verifier.feed(entries)
        last = entries[-1].seq


async def older(store: AuditStore, sought: Sought, *, before: int | None, limit: int) -> tuple[Entry, ...]:
    """The acts that are sought, the newest first, from the one before row `before` (None: the last) back."""
    found: list[Entry] = []
    while len(found) < limit and (entries := await store.newest(before=before, limit=_PIECE)):
        found += filter(sought.takes, entries)
        before = entries[-1].seq
    return tuple(found[:limit])


async def newer(store: AuditStore, sought: Sought, *, after: int, limit: int) -> tuple[Entry, ...]:
    """The acts that are sought next to row `after` on its newer side; the newest first, as `older` has them."""
    found: list[Entry] = []
    while len(found) < limit and (entries := await store.entries(after=after, limit=_PIECE)):
        found += filter(sought.takes, entries)
        after = entries[-1].seq
    return tuple(reversed(found[:limit]))
