"""Opening a database: its schema is brought up to date, or the start is stopped.

The only place that decides between the program's revision and the database's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select, text

from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.keyring import SERVER
from glmgate.storage.acts import note, upgraded
from glmgate.storage.copies import copy, keep_newest
from glmgate.storage.database import Database
from glmgate.storage.fresh import create
from glmgate.storage.private import make_private
from glmgate.storage.schema import OLDEST_FACT, REVISION, facts

# Copies that upgrades leave beside an SQLite file. Who needs one from before the last but two has backups.
_COPIES: Final = 3
_log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


async def open_database(url: str, *, actor: str = SERVER) -> Database:
    """The database at `url`, with a schema that this program can work with; an empty one gets the newest.

    An SQLite file is upgraded, after a copy; several processes may start at the same time, then one does it and the
    others wait. On PostgreSQL that is `glmgate db upgrade`, since other servers may still work there. SettingsError
    when the schema is too old for that, or of a newer program that says it is too new. An upgrade stands in the audit
    log under `actor`.
    """
    return await _opened(url, partial(_bring_up, actor=actor))


async def is_ready(url: str) -> bool:
    """Whether there is a database at `url` that opening would not change. Raises as `open_database`."""
    database = Database(url)
    try:
        if database.file is not None and not database.file.exists():
            return False
        return await database.read(check_fits)
    finally:
        await database.aclose()


async def upgrade_database(url: str, *, actor: str, progress: Progress | None = None) -> tuple[str | None, str]:
    """Bring the schema at `url` up to date, on every database; its revision before and now. Raises as `open_database`.

    `progress` is told how much of how much is done of an SQLite file's copy.
    """
    changed: list[tuple[str | None, str]] = []

    def work(database: Database, connection: Connection) -> None:
        before = current_revision(connection)
        _upgrade(database, connection, progress, actor=actor)
        changed.append((before, current_revision(connection) or ""))

    database = await _opened(url, work)
    try:
        revision = await database.read(current_revision)
    finally:
        await database.aclose()
    return changed[-1] if changed else (revision, revision or "")


def current_revision(connection: Connection) -> str | None:
    """The revision of the database's schema; None when it has none yet."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def oldest_program(connection: Connection) -> str | None:
    """The oldest program, by its newest migration, that can work with the schema; None where nobody has said."""
    if not connection.dialect.has_table(connection, facts.name):
        return None
    oldest: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == OLDEST_FACT))
    return oldest


def check_fits(connection: Connection) -> bool:
    """Whether this program can work with the schema as it is; False: it has to be upgraded.

    Raises SettingsError where only a newer program can.
    """
    found = current_revision(connection)
    if found is None or found < REVISION:
        return False
    oldest = oldest_program(connection) or found
    if oldest > REVISION:
        raise SettingsError(
            f"The database has the schema {found!r}, for which a glmgate is needed that knows {oldest!r}; this one "
            f"knows up to {REVISION!r}: a newer glmgate wrote it. Start that version, or take a backup from before it."
        )
    return True


async def _opened(url: str, bring_up: Callable[[Database, Connection], None]) -> Database:
    database = Database(url)
    try:
        if database.file is not None and "uri" not in database.url.query:
            make_private(database.file)
        if not await database.read(check_fits):
            await database.write(lambda connection: bring_up(database, connection))
    except Unavailable as exc:
        await database.aclose()
        raise Unavailable(f"{exc.message} It is {str(database)!r}, of [storage] url.", retry_after_s=1) from exc
    except BaseException:
        await database.aclose()
        raise
    return database


def _bring_up(database: Database, connection: Connection, *, actor: str) -> None:
    if database.is_postgres and (found := current_revision(connection)) not in {None, REVISION}:
        raise SettingsError(
            f"The database has the schema {found!r}, and this glmgate needs {REVISION!r}. Take a backup, then run "
            "`glmgate db upgrade`: servers of the version before go on meanwhile."
        )
    _upgrade(database, connection, None, actor=actor)


def _upgrade(database: Database, connection: Connection, progress: Progress | None, *, actor: str) -> None:
    if check_fits(connection):  # again: another process may have upgraded while this one waited
        return
    found = current_revision(connection)
    if found is None:
        create(connection)
        return
    from glmgate.storage import upgrade  # noqa: PLC0415 -- 0.3 s that only a start with an upgrade may cost

    if found not in upgrade.known_revisions():
        raise SettingsError(f"The database has the schema {found!r}, which no glmgate has made: is it another's?")
    before = _copied(database.file, progress)
    upgrade.upgrade(connection)
    note(connection, upgraded(actor, found, REVISION))
    _log.warning(
        "The database was upgraded from schema %s to %s. %s",
        found,
        REVISION,
        f"A copy from before is {str(before)!r}." if before else "",
    )


def _copied(file: Path | None, progress: Progress | None) -> Path | None:
    """A copy of an SQLite file, whose writers are kept away by the caller's transaction."""
    if file is None:
        return None
    made = copy(file, file.with_name(f"{file.name}.before-{REVISION}"), progress=progress)
    keep_newest(file.parent, f"{file.name}.before-*", _COPIES)
    return made
