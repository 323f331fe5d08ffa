"""Opening a database: its schema is brought up to date, or the start is stopped.

The only place that decides between the program's revision and the database's.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from glmgate.errors import SettingsError
from glmgate.storage.database import Database
from glmgate.storage.fresh import create
from glmgate.storage.schema import REVISION


async def open_database(url: str) -> Database:
    """The database at `url`, with the newest schema; a new file is made if there is none.

    Several processes may start at the same time: one upgrades, the others wait. SettingsError when the database was
    written by a newer program, or cannot be opened.
    """
    database = Database(url)
    try:
        if await database.read(current_revision) != REVISION:
            await database.write(_bring_up)
    except BaseException:
        await database.aclose()
        raise
    return database


def current_revision(connection: Connection) -> str | None:
    """The revision of the database's schema; None when it has none yet."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _bring_up(connection: Connection) -> None:
    found = current_revision(connection)  # again: another process may have upgraded while this one waited
    if found == REVISION:
        return
    if found is None:
        create(connection)
        return
    from glmgate.storage import upgrade  # noqa: PLC0415 -- 0.3 s that only a start with an upgrade may cost

    if found not in upgrade.known_revisions():
        raise SettingsError(
            f"The database has the schema {found!r}, which this glmgate does not know (it knows up to {REVISION!r}): "
            "a newer glmgate wrote it. Start that version, or take a backup from before it."
        )
    upgrade.upgrade(connection)
