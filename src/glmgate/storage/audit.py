"""The audit log in a database: rows are added and read, never changed.

What a row says and how it follows another is decided in `policy.audit`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select
from typing_extensions import override

from glmgate.policy.audit import Act, Broken, Entry, Verifier, following
from glmgate.policy.interfaces import AuditStore
from glmgate.storage.database import Database
from glmgate.storage.schema import audit

_AT_ONCE: Final = 500


class SqlAuditStore(AuditStore):
    """Rows of the table `audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def entries(self, *, after: int = 0, limit: int) -> tuple[Entry, ...]:
        wanted = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        return await self._database.read(
            lambda connection: tuple(_entry(row) for row in connection.execute(wanted).mappings())
        )

    @override
    async def newest(self, *, before: int | None = None, limit: int) -> tuple[Entry, ...]:
        wanted = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(audit.c.seq < before)
        return await self._database.read(
            lambda connection: tuple(_entry(row) for row in connection.execute(wanted).mappings())
        )


def verified(connection: Connection) -> Broken | None:
    """The first row that is not what was written, as far as that shows without an old head."""
    verifier = Verifier()
    wanted = select(audit).order_by(audit.c.seq).execution_options(yield_per=_AT_ONCE)
    with connection.execute(wanted) as rows:
        verifier.feed(_entry(row) for row in rows.mappings())
    return verifier.end()


def append(connection: Connection, done: Act, *, at: float) -> None:
    """Add an act, in a transaction of `Database.write`: no other may come between the last row and this one."""
    row = connection.execute(select(audit).order_by(audit.c.seq.desc()).limit(1)).mappings().one_or_none()
    entry = following(None if row is None else _entry(row), done, at=at)
    connection.execute(insert(audit).values(asdict(entry)))


def _entry(row: RowMapping) -> Entry:
    return Entry(**row)
