"""What policy needs from others: where keys, what they belong to, and the audit log are kept.

Protocols only; `memory` and `storage` implement them and pass the same tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from glmgate.policy.audit import Act, Entry, Subject
from glmgate.policy.keys import Key, Kind
from glmgate.policy.organisation import Organisation, Project, ServiceAccount
from glmgate.policy.pages import WHOLE, Page

T = TypeVar("T")

Clock = Callable[[], float]
"""The time in Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which keys to list: those of a project, of some kinds, of a service account, those that are not revoked."""

    project: str | None = None
    kinds: tuple[Kind, ...] | None = None
    owner: str | None = None
    revoked: bool = True

    def takes(self, key: Key) -> bool:
        """Whether a key is one of them."""
        return (
            self.project in {None, key.project}
            and (self.kinds is None or key.kind in self.kinds)
            and self.owner in {None, key.owner}
            and (self.revoked or key.revoked_at is None)
        )


ALL_KEYS: Final = Wanted()
OF_CLIENTS: Final = Wanted(kinds=("user", "service"), revoked=False)
"""Keys that models can be asked with, unless they have expired or their project is archived."""


class Rows(Protocol):
    """What one transaction sees of accounts. Lists are the oldest first; an id that is not there gives None."""

    def organisation(self) -> Organisation:
        """The organisation."""
        ...

    def project(self, project_id: str) -> Project | None:
        """A project."""
        ...

    def projects(self, page: Page = WHOLE, *, archived: bool = True) -> tuple[Project, ...]:
        """The projects; without `archived`, those that are open."""
        ...

    def account(self, account_id: str) -> ServiceAccount | None:
        """A service account."""
        ...

    def accounts(self, project_id: str, page: Page = WHOLE) -> tuple[ServiceAccount, ...]:
        """The service accounts of a project."""
        ...

    def key(self, key_id: str) -> Key | None:
        """A key."""
        ...

    def keys(self, wanted: Wanted = ALL_KEYS, page: Page = WHOLE) -> tuple[Key, ...]:
        """Keys."""
        ...

    def has_live_key(self, now: float) -> bool:
        """Whether any key is live that models can be asked with."""
        ...


class Changes(Rows, Protocol):
    """A transaction that changes: all of it happens or nothing, and no other comes between."""

    def put(self, subject: Subject) -> None:
        """Keep a subject, in the place of the one with its id."""
        ...

    def remove(self, account: ServiceAccount) -> None:
        """Forget a service account."""
        ...

    def log(self, done: Act, *, at: float) -> None:
        """Add an act to the audit log."""
        ...


class KeyStore(Protocol):
    """Where a request's key is looked up. Each method may raise Unavailable when the store cannot be reached."""

    async def find(self, key_id: str) -> Key | None:
        """The key of that id, as the last finished change left it, whichever process made it."""
        ...


class AccountStore(KeyStore, Protocol):
    """Keeps keys, what they belong to, and facts, for all processes. Each method may raise Unavailable."""

    async def look(self, work: Callable[[Rows], T]) -> T:
        """What `work` finds, in a transaction that sees one state."""
        ...

    async def change(self, work: Callable[[Changes], T]) -> T:
        """What `work` answers; what it changed is kept, all of it, or nothing when it raises. It may not wait."""
        ...

    async def pin(self, name: str, value: str) -> str:
        """The fact `name`: the value that was pinned first, for ever; `value` if none was."""
        ...


class AuditStore(Protocol):
    """Reads the audit log. Each method may raise Unavailable."""

    async def entries(self, *, after: int = 0, limit: int) -> tuple[Entry, ...]:
        """Rows by rising numbers, from the one after `after` on."""
        ...

    async def newest(self, *, before: int | None = None, limit: int) -> tuple[Entry, ...]:
        """Rows by falling numbers, from the one before `before` (None: the last one) on."""
        ...
