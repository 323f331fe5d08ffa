"""The store of accounts and the audit log in memory: for tests, and as the specification of the one in a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from typing import TypeVar

from typing_extensions import override

from glmgate.policy.audit import Act, Entry, Subject, following
from glmgate.policy.interfaces import ALL_KEYS, AccountStore, AuditStore, Changes, Rows, T, Wanted
from glmgate.policy.keys import Key
from glmgate.policy.organisation import DEFAULT, Organisation, Project, ServiceAccount
from glmgate.policy.pages import WHOLE, Page, nothing_after
from glmgate.wire.terms import Scope

_S = TypeVar("_S", Key, Project)


class MemoryRows(Changes):
    """Everything in dictionaries."""

    def __init__(self) -> None:
        self._organisation = Organisation(id=DEFAULT, name="Default", created_at=0.0)
        self._projects = {DEFAULT: Project(id=DEFAULT, name="Default", created_at=0.0)}
        self._accounts: dict[str, ServiceAccount] = {}
        self._keys: dict[str, Key] = {}
        self.entries: list[Entry] = []

    def __copy__(self) -> MemoryRows:
        """Rows that can be changed without changing these."""
        other = MemoryRows()
        other._organisation = self._organisation
        other._projects = dict(self._projects)
        other._accounts = dict(self._accounts)
        other._keys = dict(self._keys)
        other.entries = list(self.entries)
        return other

    @override
    def organisation(self) -> Organisation:
        return self._organisation

    @override
    def project(self, project_id: str) -> Project | None:
        return self._projects.get(project_id)

    @override
    def projects(self, page: Page = WHOLE, *, archived: bool = True) -> tuple[Project, ...]:
        found = (each for each in self._projects.values() if archived or each.archived_at is None)
        return _page(found, self._projects.get(page.after or ""), page)

    @override
    def account(self, account_id: str) -> ServiceAccount | None:
        return self._accounts.get(account_id)

    @override
    def accounts(self, project_id: str, page: Page = WHOLE) -> tuple[ServiceAccount, ...]:
        listed = sorted(each.id for each in self._accounts.values() if each.project == project_id)
        found = (each for each in listed if page.after is None or each > page.after)
        return tuple(self._accounts[each] for each in found)[: page.limit]

    @override
    def key(self, key_id: str) -> Key | None:
        key = self._keys.get(key_id)
        return None if key is None else self._placed(key)

    @override
    def keys(self, wanted: Wanted = ALL_KEYS, page: Page = WHOLE) -> tuple[Key, ...]:
        found = (self._placed(each) for each in self._keys.values() if wanted.takes(each))
        return _page(found, self._keys.get(page.after or ""), page)

    @override
    def has_live_key(self, now: float) -> bool:
        return any(key.kind != "admin" and key.state(now) == "live" for key in self.keys())

    @override
    def put(self, subject: Subject) -> None:
        match subject:
            case Organisation():
                self._organisation = subject
            case Project():
                self._projects[subject.id] = subject
            case ServiceAccount():
                self._accounts[subject.id] = subject
            case Key():
                self._keys[subject.id] = subject

    @override
    def remove(self, account: ServiceAccount) -> None:
        del self._accounts[account.id]

    @override
    def log(self, done: Act, *, at: float) -> None:
        self.entries.append(following(self.entries[-1] if self.entries else None, done, at=at))

    def _placed(self, key: Key) -> Key:
        """The key with what holds above it, where it belongs to something that is here."""
        project = self._projects.get(key.project)
        if project is None:
            return key
        own = self._organisation
        above = (Scope("organisation", own.id, own.terms), Scope("project", project.id, project.terms))
        return replace(key, above=above, closed_at=project.archived_at)


class MemoryAccountStore(AccountStore, AuditStore):
    """Accounts and audit log of one process."""

    def __init__(self) -> None:
        self._rows = MemoryRows()
        self._facts: dict[str, str] = {}

    @override
    async def find(self, key_id: str) -> Key | None:
        return self._rows.key(key_id)

    @override
    async def look(self, work: Callable[[Rows], T]) -> T:
        return work(self._rows)

    @override
    async def change(self, work: Callable[[Changes], T]) -> T:
        changed = copy(self._rows)
        answer = work(changed)
        self._rows = changed
        return answer

    @override
    async def pin(self, name: str, value: str) -> str:
        return self._facts.setdefault(name, value)

    @override
    async def entries(self, *, after: int = 0, limit: int) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._rows.entries if entry.seq > after)[:limit]

    @override
    async def newest(self, *, before: int | None = None, limit: int) -> tuple[Entry, ...]:
        found = (entry for entry in reversed(self._rows.entries) if before is None or entry.seq < before)
        return tuple(found)[:limit]


def _page(found: Iterable[_S], after: _S | None, page: Page) -> tuple[_S, ...]:
    if page.after is not None and after is None:
        raise nothing_after(page.after)
    listed = sorted(found, key=_place, reverse=page.newest_first)
    if after is not None:
        here = _place(after)
        listed = [each for each in listed if (_place(each) < here if page.newest_first else _place(each) > here)]
    return tuple(listed[: page.limit])


def _place(each: Key | Project) -> tuple[float, str]:
    return each.created_at, each.id
