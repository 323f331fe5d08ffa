"""The AccountStore of `policy` in a database: the organisation, projects, service accounts, keys and facts.

Reads and writes as told; what may become of them is decided in `policy`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, Table, delete, insert, select, tuple_, update
from typing_extensions import override

from glmgate.policy.audit import Act, Subject
from glmgate.policy.interfaces import ALL_KEYS, AccountStore, Changes, Rows, T, Wanted
from glmgate.policy.keys import Key
from glmgate.policy.organisation import Organisation, Project, ServiceAccount
from glmgate.policy.pages import WHOLE, Page, nothing_after
from glmgate.storage.audit import append
from glmgate.storage.keys import SELECT, SqlKeyStore, found, key_of, live, row_of, terms_of, text_of
from glmgate.storage.schema import facts, keys, organisations, projects, service_accounts

_TABLES: Final[dict[type[Subject], Table]] = {
    Organisation: organisations,
    Project: projects,
    ServiceAccount: service_accounts,
    Key: keys,
}


class SqlRows(Changes):
    """What a connection's transaction sees and does."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @override
    def organisation(self) -> Organisation:
        row = self._connection.execute(select(organisations)).mappings().one()
        return Organisation(id=row["id"], name=row["name"], created_at=row["created_at"], terms=terms_of(row["terms"]))

    @override
    def project(self, project_id: str) -> Project | None:
        row = self._connection.execute(select(projects).where(projects.c.id == project_id)).mappings().one_or_none()
        return None if row is None else _project(row)

    @override
    def projects(self, page: Page = WHOLE, *, archived: bool = True) -> tuple[Project, ...]:
        wanted = select(projects) if archived else select(projects).where(projects.c.archived_at.is_(None))
        return tuple(_project(row) for row in self._connection.execute(self._paged(wanted, projects, page)).mappings())

    @override
    def account(self, account_id: str) -> ServiceAccount | None:
        wanted = select(service_accounts).where(service_accounts.c.id == account_id)
        row = self._connection.execute(wanted).mappings().one_or_none()
        return None if row is None else _account(row)

    @override
    def accounts(self, project_id: str, page: Page = WHOLE) -> tuple[ServiceAccount, ...]:
        wanted = select(service_accounts).where(service_accounts.c.project_id == project_id)
        if page.after is not None:
            wanted = wanted.where(service_accounts.c.id > page.after)
        wanted = wanted.order_by(service_accounts.c.id).limit(page.limit)
        return tuple(_account(row) for row in self._connection.execute(wanted).mappings())

    @override
    def key(self, key_id: str) -> Key | None:
        return found(self._connection, key_id)

    @override
    def keys(self, wanted: Wanted = ALL_KEYS, page: Page = WHOLE) -> tuple[Key, ...]:
        # The same words as `Wanted.takes`.
        asked = SELECT
        if wanted.project is not None:
            asked = asked.where(keys.c.project_id == wanted.project)
        if wanted.kinds is not None:
            asked = asked.where(keys.c.kind.in_(wanted.kinds))
        if wanted.owner is not None:
            asked = asked.where(keys.c.owner == wanted.owner)
        if not wanted.revoked:
            asked = asked.where(keys.c.revoked_at.is_(None))
        return tuple(key_of(row) for row in self._connection.execute(self._paged(asked, keys, page)).mappings())

    @override
    def has_live_key(self, now: float) -> bool:
        asked = SELECT.where(live(now), keys.c.kind != "admin").limit(1)
        return self._connection.execute(asked).first() is not None

    @override
    def put(self, subject: Subject) -> None:
        table, row = _TABLES[type(subject)], _row(subject)
        if self._connection.execute(update(table).where(table.c.id == subject.id).values(row)).rowcount == 0:
            self._connection.execute(insert(table).values(row))

    @override
    def remove(self, account: ServiceAccount) -> None:
        self._connection.execute(delete(service_accounts).where(service_accounts.c.id == account.id))

    @override
    def log(self, done: Act, *, at: float) -> None:
        append(self._connection, done, at=at)

    def _paged(self, wanted: Select[Any], table: Table, page: Page) -> Select[Any]:
        place = tuple_(table.c.created_at, table.c.id)
        if page.after is not None:
            here = self._connection.execute(
                select(table.c.created_at, table.c.id).where(table.c.id == page.after)
            ).one_or_none()
            if here is None:
                raise nothing_after(page.after)
            wanted = wanted.where(place < tuple(here) if page.newest_first else place > tuple(here))
        order = [table.c.created_at, table.c.id]
        return wanted.order_by(*(each.desc() if page.newest_first else each for each in order)).limit(page.limit)


class SqlAccountStore(SqlKeyStore, AccountStore):
    """Accounts in their tables, facts in the table `facts`."""

    @override
    async def look(self, work: Callable[[Rows], T]) -> T:
        return await self._database.read(lambda connection: work(SqlRows(connection)))

    @override
    async def change(self, work: Callable[[Changes], T]) -> T:
        return await self._database.write(lambda connection: work(SqlRows(connection)))

    @override
    async def pin(self, name: str, value: str) -> str:
        def work(connection: Connection) -> str:
            pinned = connection.scalar(select(facts.c.value).where(facts.c.name == name))
            if pinned is not None:
                return str(pinned)
            connection.execute(insert(facts).values(name=name, value=value))
            return value

        return await self._database.write(work)


def _project(row: RowMapping) -> Project:
    return Project(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        organisation=row["organisation_id"],
        archived_at=row["archived_at"],
        terms=terms_of(row["terms"]),
    )


def _account(row: RowMapping) -> ServiceAccount:
    return ServiceAccount(id=row["id"], name=row["name"], project=row["project_id"], created_at=row["created_at"])


def _row(subject: Subject) -> dict[str, Any]:
    """What is kept of a subject."""
    match subject:
        case Key():
            return row_of(subject)
        case ServiceAccount():
            return {
                "id": subject.id,
                "project_id": subject.project,
                "name": subject.name,
                "created_at": subject.created_at,
            }
    row = {
        "id": subject.id,
        "name": subject.name,
        "created_at": subject.created_at,
        "terms": text_of(subject.terms),
    }
    if isinstance(subject, Project):
        row |= {"organisation_id": subject.organisation, "archived_at": subject.archived_at}
    return row
