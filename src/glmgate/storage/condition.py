"""How a database is: its schema, whether it is whole, and how large it is.

Nothing is changed, and nothing is upgraded.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, Table, func, inspect, select, text

from glmgate.storage.audit import verified
from glmgate.storage.database import Database
from glmgate.storage.opening import current_revision, oldest_program
from glmgate.storage.schema import REVISION, audit, metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What was found. `faults` is empty where everything is as it should be.

    `revision` is the schema's, None in an empty database; `oldest` the oldest program that can work with it. `rows` are
    those of each table of ours that is there.
    """

    kind: str
    revision: str | None
    program: str
    oldest: str | None
    size_bytes: int
    rows: dict[str, int]
    faults: tuple[str, ...]


def condition(database: Database, connection: Connection) -> Condition:
    """The database's condition. Every table is read; on a large one that takes its time."""
    there = set(inspect(connection).get_table_names())
    rows = {
        table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
        for table in metadata.sorted_tables
        if table.name in there
    }
    return Condition(
        kind="postgresql" if database.is_postgres else "sqlite",
        revision=current_revision(connection),
        program=REVISION,
        oldest=oldest_program(connection),
        size_bytes=_size(database, connection),
        rows=rows,
        faults=(*_damage(database, connection), *_faults(connection)),
    )


def _size(database: Database, connection: Connection) -> int:
    if database.file is None:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    files = (database.file.with_name(database.file.name + end) for end in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _damage(database: Database, connection: Connection) -> list[str]:
    """What SQLite finds in its file. PostgreSQL keeps its constraints, and reading every row has found the rest."""
    if database.is_postgres:
        return []
    found = [str(fault) for fault in connection.scalars(text("PRAGMA integrity_check(10)"))]
    broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
    return [
        *(fault for fault in found if fault != "ok"),
        *(f"{row[0]}: a row refers to nothing" for row in broken[:10]),
    ]


def _faults(connection: Connection) -> list[str]:
    """Where the tables are not as they should be, or (they are) the audit log is not what was written."""
    found = _differences(connection)
    if found or not connection.dialect.has_table(connection, audit.name):
        return found
    broken = verified(connection)
    return [] if broken is None else [f"the audit log: row {broken.seq} is wrong: {broken.why}"]


def _differences(connection: Connection) -> list[str]:
    """Where the tables are not those of the schema that this program knows; another schema is not judged."""
    if current_revision(connection) != REVISION:
        return []
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 -- 0.3 s, which `glmgate --help` need not wait
    from alembic.migration import MigrationContext  # noqa: PLC0415 -- as above

    ours = MigrationContext.configure(
        connection, opts={"compare_type": True, "include_name": _is_ours, "include_object": _is_ours_or_expected}
    )
    return [f"the schema differs: {_told(difference)}" for difference in compare_metadata(ours, metadata)]


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    # Other programs' tables in a shared database are none of our business, nor are the counters'.
    return kind != "table" or name in metadata.tables


def _is_ours_or_expected(thing: object, name: str | None, kind: str, *_: object) -> bool:
    return not isinstance(thing, Table) or kind != "table" or name in metadata.tables


def _told(difference: object) -> str:
    if isinstance(difference, list):
        return ", ".join(_told(each) for each in difference)
    words = difference if isinstance(difference, tuple) else (difference,)
    return " ".join(str(word) for word in words if word is not None and not isinstance(word, dict | MetaData))
