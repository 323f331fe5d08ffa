"""Puts a copy of an SQLite database back in its place.

Nothing is touched before it is known that the copy is good, that nobody uses the database, and that what was there
before is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from glmgate.errors import SettingsError
from glmgate.policy.audit import Act
from glmgate.storage.acts import note, restored
from glmgate.storage.copies import copy
from glmgate.storage.private import narrow
from glmgate.storage.sqlite import sqlite_engine, will_write

_MAGIC = b"SQLite format 3\x00"


def restore(source: Path, file: Path, *, actor: str, progress: Callable[[int, int], None] | None = None) -> Path | None:
    """Put the database in `source` into `file`; where the one that was there is kept (None: there was none).

    What is put there has a row more in its audit log: that `actor` did it. Raises SettingsError where the source is no
    whole database, or somebody uses the file.
    """
    check_source(source)
    ready = copy(source, file.with_name(f"{file.name}.restored"), progress=progress)
    try:
        _noted(ready, restored(actor, source.name))
        kept = _taken_aside(file)
        ready.replace(file)
    finally:
        ready.unlink(missing_ok=True)
    return kept


def _noted(ready: Path, done: Act) -> None:
    """Write the act into the copy. Its own log is folded in when the only connection closes."""
    engine = sqlite_engine(URL.create("sqlite", database=str(ready)))
    try:
        with engine.connect() as connection:
            will_write(connection)
            with connection.begin():
                note(connection, done)
    finally:
        engine.dispose()


def check_source(source: Path) -> None:
    """Raises SettingsError where the file is not a whole database of SQLite."""
    try:
        with source.open("rb") as opened:
            if opened.read(len(_MAGIC)) != _MAGIC:
                raise SettingsError(f"{str(source)!r} is no SQLite database: give a file that `db backup` has made.")
        with closing(sqlite3.connect(source.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
            faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
            if faults != ["ok"]:
                raise SettingsError(f"{str(source)!r} is damaged: {'; '.join(faults)}. Nothing was changed.")
            if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[
                0
            ]:
                raise SettingsError(f"{str(source)!r} is another program's database. Nothing was changed.")
    except (OSError, sqlite3.Error) as exc:
        raise SettingsError(f"{str(source)!r} cannot be read: {exc}. Nothing was changed.") from exc


def _taken_aside(file: Path) -> Path | None:
    """Move the database away, after its log was folded in. Raises SettingsError where somebody uses it."""
    if not file.exists():
        return None
    kept = file.with_name(f"{file.name}.before-restore")
    narrow(file)
    try:
        with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as connection:
            # Leaving WAL needs the file alone: it fails while any other process has it open, idle or not.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise SettingsError(
                f"The database {str(file)!r} is in use: stop `glmgate serve` and other commands first."
            ) from exc
        _move_log(file, kept)
    except sqlite3.DatabaseError:
        # It is damaged, which is why somebody restores: it goes aside as it is, its log with it.
        _move_log(file, kept)
    file.replace(kept)
    return kept


def _move_log(file: Path, kept: Path) -> None:
    for end in ("-wal", "-shm"):
        log = file.with_name(file.name + end)
        if log.exists():
            log.replace(kept.with_name(kept.name + end))
