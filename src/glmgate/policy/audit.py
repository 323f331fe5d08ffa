"""The audit log: each administrative act as a row that holds the digest of the row before it.

Pure: what a row is, how one follows another, and where a chain is broken. Where rows are kept is
`interfaces.AuditStore`. A row never holds a secret: what is shown of a key is not its secret, which is stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from glmgate.errors import InvalidRequest
from glmgate.policy.keys import Key
from glmgate.policy.organisation import Organisation, Project, ServiceAccount
from glmgate.policy.terms import plain

BEGIN: Final = "0" * 64
"""What the first row holds in place of the digest of the row before."""

_OF_PROJECTS: Final = frozenset({"project.created", "project.updated", "project.archived", "rate_limit.updated"})

Subject = Organisation | Project | ServiceAccount | Key
"""What can be administered."""

Facts = Mapping[str, Any]
"""What is shown of a subject, as plain values."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what to whom. `before` is None where something was made, `after` where it was taken away."""

    actor: str
    action: str
    subject: str
    before: Facts | None = None
    after: Facts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row: an act, when it was (Unix seconds), and its place in the chain. `before` and `after` are JSON."""

    seq: int
    at: float
    actor: str
    action: str
    subject: str
    before: str | None
    after: str | None
    previous: str
    digest: str

    @property
    def project(self) -> str | None:
        """The project that the act was in, where it was in one."""
        for text in (self.after, self.before):
            if text is not None:
                shown = msgspec.json.decode(text)
                found = self.subject if self.action in _OF_PROJECTS else shown.get("project")
                return found if isinstance(found, str) else None
        return None


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row that is not what it was, by its number, and why that is so."""

    seq: int
    why: str


def facts(subject: Subject) -> dict[str, Any]:
    """What everybody who may see a subject sees of it. Times are Unix seconds."""
    match subject:
        case Organisation():
            return {"name": subject.name, "terms": plain(subject.terms)}
        case Project():
            return {"name": subject.name, "archived_at": subject.archived_at, "terms": plain(subject.terms)}
        case ServiceAccount():
            return {"name": subject.name, "project": subject.project}
        case Key():
            return {
                "name": subject.name,
                "project": subject.project,
                "kind": subject.kind,
                "owner": subject.owner,
                "generation": subject.generation,
                "previous_until": subject.previous_until,
                "expires_at": subject.expires_at,
                "revoked_at": subject.revoked_at,
                "terms": plain(subject.terms),
            }


def act(actor: str, action: str, before: Subject | None, after: Subject | None) -> Act:
    """The act that made `after` of `before`; at least one of them is there."""
    subject = after or before
    assert subject is not None
    return Act(
        actor, action, subject.id, None if before is None else facts(before), None if after is None else facts(after)
    )


def following(last: Entry | None, done: Act, *, at: float) -> Entry:
    """The row for an act, after the row `last` (None: it is the first)."""
    entry = Entry(
        seq=1 if last is None else last.seq + 1,
        at=at,
        actor=done.actor,
        action=done.action,
        subject=done.subject,
        before=None if done.before is None else _canonical(done.before),
        after=None if done.after is None else _canonical(done.after),
        previous=BEGIN if last is None else last.digest,
        digest="",
    )
    return replace(entry, digest=digest(entry))


def digest(entry: Entry) -> str:
    """SHA-256 over everything in a row but its own digest, which includes the digest of the row before."""
    said = (
        entry.seq,
        entry.at,
        entry.actor,
        entry.action,
        entry.subject,
        entry.before,
        entry.after,
        entry.previous,
    )
    return sha256(_canonical(said).encode()).hexdigest()


class Verifier:
    """Goes through a log from its first row on and finds the first one that is not what was written.

    `head` is the digest of a row that was there once: when no row has it, the log's end was cut or written anew.
    """

    def __init__(self, head: str | None = None) -> None:
        self.entries = 0
        self.head = BEGIN
        self.broken: Broken | None = None
        self._wanted = None if head is None else _digest_of(head)
        self._seen = self._wanted in {None, BEGIN}

    def feed(self, entries: Iterable[Entry]) -> None:
        """Look at the next rows, by rising numbers."""
        for entry in entries:
            if self.broken is not None:
                return
            self._look(entry)

    def end(self) -> Broken | None:
        """What is wrong, now that all rows were seen; None when nothing is."""
        if self.broken is None and not self._seen:
            self.broken = Broken(
                self.entries + 1, f"no row has the digest {self._wanted}: the log's end was cut or written anew"
            )
        return self.broken

    def _look(self, entry: Entry) -> None:
        expected = self.entries + 1
        if entry.seq != expected:
            more = "was taken out" if entry.seq > expected else "was put in"
            self.broken = Broken(
                min(entry.seq, expected), f"a row {more} here: number {entry.seq} follows {self.entries}"
            )
        elif entry.previous != self.head:
            self.broken = Broken(entry.seq, "it does not follow the row before it: one of them was changed or put in")
        elif entry.digest != digest(entry):
            self.broken = Broken(entry.seq, "its contents are not those that its digest was made of")
        else:
            self.entries = entry.seq
            self.head = entry.digest
            self._seen = self._seen or entry.digest == self._wanted


def _canonical(value: object) -> str:
    """One text for each value, whoever writes it."""
    return msgspec.json.encode(value, order="sorted").decode()


def _digest_of(text: str) -> str:
    stripped = text.strip().lower()
    if len(stripped) != len(BEGIN) or set(stripped) - set("0123456789abcdef"):
        raise InvalidRequest(f"{text!r} is no digest: it has 64 hexadecimal digits.", param="head")
    return stripped
