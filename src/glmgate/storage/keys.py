"""Keys in a database: how they are looked up and written down.

Reads and writes as told; what may become of a key is decided in `policy.keys`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, or_, select
from typing_extensions import override

from glmgate.policy.interfaces import KeyStore
from glmgate.policy.keys import Key
from glmgate.storage.database import Database
from glmgate.storage.schema import keys, organisations, projects
from glmgate.wire.terms import Scope, Terms

SELECT: Final = (
    select(
        keys,
        projects.c.organisation_id,
        projects.c.archived_at,
        projects.c.terms.label("project_terms"),
        organisations.c.terms.label("organisation_terms"),
    )
    .join_from(keys, projects)
    .join(organisations)
)
"""Keys with what holds above them."""


class SqlKeyStore(KeyStore):
    """Keys in the table `keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def find(self, key_id: str) -> Key | None:
        return await self._database.read(lambda connection: found(connection, key_id))


def found(connection: Connection, key_id: str) -> Key | None:
    """The key of that id."""
    row = connection.execute(SELECT.where(keys.c.id == key_id)).mappings().one_or_none()
    return None if row is None else key_of(row)


def live(now: float) -> ColumnElement[bool]:
    """Which rows of `SELECT` are live: the same words as `policy.keys.Key.state`; both stores run the same tests."""
    return and_(
        keys.c.revoked_at.is_(None),
        projects.c.archived_at.is_(None),
        or_(keys.c.expires_at.is_(None), keys.c.expires_at > now),
    )


def key_of(row: RowMapping) -> Key:
    """The key of a row of `SELECT`."""
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
        terms=terms_of(row["terms"]),
        above=(
            Scope("organisation", row["organisation_id"], terms_of(row["organisation_terms"])),
            Scope("project", row["project_id"], terms_of(row["project_terms"])),
        ),
        closed_at=row["archived_at"],
    )


def row_of(key: Key) -> dict[str, Any]:
    """What is kept of a key."""
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
        "terms": text_of(key.terms),
    }


def terms_of(text: str) -> Terms:
    """Terms as they are kept."""
    return msgspec.json.decode(text, type=Terms)


def text_of(terms: Terms) -> str:
    """How terms are kept."""
    return msgspec.json.encode(terms).decode()
