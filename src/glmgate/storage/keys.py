"""The KeyStore of `policy` in a database.

Reads and writes as told; what may become of a key is decided in `policy.keys`.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, insert, literal, or_, select, update
from typing_extensions import override

from glmgate.policy.interfaces import KeyStore
from glmgate.policy.keys import Key
from glmgate.storage.database import Database
from glmgate.storage.schema import facts, keys, organisations, projects
from glmgate.wire.terms import Scope, Terms

_SELECT = (
    select(
        keys,
        projects.c.organisation_id,
        projects.c.terms.label("project_terms"),
        organisations.c.terms.label("organisation_terms"),
    )
    .join_from(keys, projects)
    .join(organisations)
)


class SqlKeyStore(KeyStore):
    """Keys in the table `keys`, facts in the table `facts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def find(self, key_id: str) -> Key | None:
        def work(connection: Connection) -> Key | None:
            row = connection.execute(_SELECT.where(keys.c.id == key_id)).mappings().one_or_none()
            return None if row is None else _key(row)

        return await self._database.read(work)

    @override
    async def keys(self) -> tuple[Key, ...]:
        def work(connection: Connection) -> tuple[Key, ...]:
            rows = connection.execute(_SELECT.order_by(keys.c.created_at, keys.c.id)).mappings()
            return tuple(_key(row) for row in rows)

        return await self._database.read(work)

    @override
    async def add(self, key: Key) -> None:
        await self._database.write(lambda connection: connection.execute(insert(keys).values(_row(key))))

    @override
    async def add_first(self, key: Key) -> bool:
        # One statement decides and inserts, so that no other process can come between.
        row = _row(key)
        columns = [literal(value, keys.c[name].type).label(name) for name, value in row.items()]
        wanted = select(*columns).where(~exists().where(_live(key.created_at)))

        def work(connection: Connection) -> bool:
            # On PostgreSQL an INSERT gives back what it made, and forgets how many, unless it is told to.
            statement = insert(keys).from_select(list(row), wanted).execution_options(preserve_rowcount=True)
            return connection.execute(statement).rowcount == 1

        return await self._database.write(work)

    @override
    async def replace(self, before: Key, after: Key) -> bool:
        same = and_(*(keys.c[name].is_not_distinct_from(value) for name, value in _row(before).items()))

        def work(connection: Connection) -> bool:
            return connection.execute(update(keys).where(same).values(_row(after))).rowcount == 1

        return await self._database.write(work)

    @override
    async def pin(self, name: str, value: str) -> str:
        def work(connection: Connection) -> str:
            pinned = connection.scalar(select(facts.c.value).where(facts.c.name == name))
            if pinned is not None:
                return str(pinned)
            connection.execute(insert(facts).values(name=name, value=value))
            return value

        return await self._database.write(work)


def _live(now: float) -> ColumnElement[bool]:
    # The same words as `policy.keys.Key.state`; both stores run the same tests.
    return and_(keys.c.revoked_at.is_(None), or_(keys.c.expires_at.is_(None), keys.c.expires_at > now))


def _key(row: RowMapping) -> Key:
    return Key(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        organisation=row["organisation_id"],
        project=row["project_id"],
        generation=row["generation"],
        previous_until=row["previous_until"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        kind=row["kind"],
        owner=row["owner"],
        terms=_terms(row["terms"]),
        above=(
            Scope("organisation", row["organisation_id"], _terms(row["organisation_terms"])),
            Scope("project", row["project_id"], _terms(row["project_terms"])),
        ),
    )


def _terms(text: str) -> Terms:
    return msgspec.json.decode(text, type=Terms)


def _row(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "project_id": key.project,
        "name": key.name,
        "created_at": key.created_at,
        "generation": key.generation,
        "previous_until": key.previous_until,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "kind": key.kind,
        "owner": key.owner,
        "terms": msgspec.json.encode(key.terms).decode(),
    }
