"""The directory: the organisation, its projects and service accounts, shown and changed in a store.

What may become of them is decided in `organisation` and `terms`. Every act is written into the audit log together with
what it did.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from glmgate.errors import ObjectNotFound
from glmgate.policy.audit import act
from glmgate.policy.interfaces import AccountStore, Changes, Clock, Rows
from glmgate.policy.keyring import SERVER, KeyOrder, Keyring
from glmgate.policy.keys import Key
from glmgate.policy.organisation import (
    Organisation,
    Project,
    ServiceAccount,
    archived,
    checked_name,
    usable,
)
from glmgate.policy.pages import WHOLE, Page
from glmgate.policy.terms import changed
from glmgate.wire.terms import NO_TERMS, Terms

_S = TypeVar("_S", Organisation, Project, ServiceAccount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What shall be different about a subject: what is given here. `terms` are plain values, None takes one back."""

    name: str | None = None
    terms: Mapping[str, Any] | None = None


class Directory:
    """What the keys of one database belong to. `actor` is who makes changes, for the audit log."""

    def __init__(self, store: AccountStore, keyring: Keyring, *, clock: Clock = time.time, actor: str = SERVER) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._actor = actor

    def acting(self, actor: str) -> Directory:
        """The same directory in the hands of `actor`."""
        return Directory(self._store, self._keyring.acting(actor), clock=self._clock, actor=actor)

    async def organisation(self) -> Organisation:
        """The organisation."""
        return await self._store.look(lambda rows: rows.organisation())

    async def change_organisation(self, wish: Wish) -> Organisation:
        """The organisation as it shall be from now on."""

        def work(rows: Changes) -> Organisation:
            before = rows.organisation()
            after = replace(before, name=_name(wish, before.name, "An organisation's"), terms=_terms(wish, before))
            return self._put(rows, "organization.updated", before, after)

        return await self._store.change(work)

    async def projects(self, page: Page = WHOLE, *, archived: bool = True) -> tuple[Project, ...]:
        """The projects, the oldest first; without `archived`, those that are open."""
        return await self._store.look(lambda rows: rows.projects(page, archived=archived))

    async def project(self, project_id: str) -> Project:
        """The project of that id. InvalidRequest when there is none."""
        return await self._store.look(lambda rows: _project(rows, project_id))

    async def create_project(self, wish: Wish) -> Project:
        """A new project; a name is needed."""

        def work(rows: Changes) -> Project:
            now = self._clock()
            project = Project(
                id=f"proj_{secrets.token_hex(12)}",
                name=_name(wish, "", "A project's"),
                created_at=now,
                organisation=rows.organisation().id,
                terms=changed(NO_TERMS, wish.terms or {}),
            )
            return self._put(rows, "project.created", None, project)

        return await self._store.change(work)

    async def change_project(self, project_id: str, wish: Wish, *, action: str = "project.updated") -> Project:
        """The project as it shall be from now on."""

        def work(rows: Changes) -> Project:
            before = usable(_project(rows, project_id))
            after = replace(before, name=_name(wish, before.name, "A project's"), terms=_terms(wish, before))
            return self._put(rows, action, before, after)

        return await self._store.change(work)

    async def archive_project(self, project_id: str) -> Project:
        """The project, closed: its keys are refused by every process within a second."""

        def work(rows: Changes) -> Project:
            before = _project(rows, project_id)
            return self._put(rows, "project.archived", before, archived(before, now=self._clock()))

        return await self._store.change(work)

    async def accounts(self, project_id: str, page: Page = WHOLE) -> tuple[ServiceAccount, ...]:
        """The service accounts of a project, the oldest first."""
        return await self._store.look(lambda rows: rows.accounts(_project(rows, project_id).id, page))

    async def account(self, project_id: str, account_id: str) -> ServiceAccount:
        """A service account of a project. InvalidRequest when there is none."""
        return await self._store.look(lambda rows: _account(rows, project_id, account_id))

    async def create_account(
        self, project_id: str, name: str, *, key: KeyOrder | None = None
    ) -> tuple[ServiceAccount, Key | None]:
        """A new service account, with a first key where one is ordered."""

        def work(rows: Changes) -> tuple[ServiceAccount, Key | None]:
            account = ServiceAccount(
                id=_account_id(self._clock()),
                name=checked_name(name, "A service account's"),
                project=usable(_project(rows, project_id)).id,
                created_at=self._clock(),
            )
            self._put(rows, "service_account.created", None, account)
            return account, None if key is None else self._put_key(rows, account, key)

        return await self._store.change(work)

    async def create_account_key(self, project_id: str, account_id: str, order: KeyOrder) -> Key:
        """One more key of a service account."""
        return await self._store.change(lambda rows: self._put_key(rows, _account(rows, project_id, account_id), order))

    async def change_account(self, project_id: str, account_id: str, *, name: str) -> ServiceAccount:
        """The service account under its new name."""

        def work(rows: Changes) -> ServiceAccount:
            before = _account(rows, project_id, account_id)
            after = replace(before, name=checked_name(name, "A service account's"))
            return self._put(rows, "service_account.updated", before, after)

        return await self._store.change(work)

    async def delete_account(self, project_id: str, account_id: str) -> None:
        """Forget a service account; its keys are revoked."""

        def work(rows: Changes) -> None:
            account = _account(rows, project_id, account_id)
            self._keyring.put_revoked(rows, account)
            rows.remove(account)
            rows.log(act(self._actor, "service_account.deleted", account, None), at=self._clock())

        await self._store.change(work)

    def _put_key(self, rows: Changes, account: ServiceAccount, order: KeyOrder) -> Key:
        owned = replace(order, project=account.project, kind="service", owner=account.id)
        return self._keyring.put_new(rows, owned)

    def _put(self, rows: Changes, action: str, before: _S | None, after: _S) -> _S:
        if after != before:
            rows.put(after)
            rows.log(act(self._actor, action, before, after), at=self._clock())
        return after


def _account_id(now: float) -> str:
    # Ids rise with the time, so that a list can go on after an account that is gone.
    return f"svc_acct_{int(now * 1000):012x}{secrets.token_hex(6)}"


def _name(wish: Wish, before: str, what: str) -> str:
    return before if wish.name is None and before else checked_name(wish.name or "", what)


def _terms(wish: Wish, before: Organisation | Project) -> Terms:
    return changed(before.terms, wish.terms or {})


def _project(rows: Rows, project_id: str) -> Project:
    found = rows.project(project_id)
    if found is None:
        raise ObjectNotFound(
            f"There is no project {project_id!r}: `glmgate projects list` shows all.", param="project_id"
        )
    return found


def _account(rows: Rows, project_id: str, account_id: str) -> ServiceAccount:
    found = rows.account(account_id)
    if found is None or found.project != project_id:
        raise ObjectNotFound(
            f"There is no service account {account_id!r} in {project_id!r}.", param="service_account_id"
        )
    return found
