"""Copies of SQLite files, made while others read and write them.

Each is one whole file, or is not there.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from glmgate.errors import SettingsError
from glmgate.storage.sqlite import BUSY_S

# 16 MiB at the usual size of a page: a bar that moves, and a step that is short.
_PAGES: Final = 4096


def copy(
    source: Path, target: Path, *, progress: Callable[[int, int], None] | None = None, checked: bool = False
) -> Path:
    """Copy the database, as it is at one moment, into the file `target`; what was there before is replaced.

    The copy is readable by its owner only. `checked`: it is looked through, and replaces nothing where it is damaged.
    Raises SettingsError.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with _told(source), closing(sqlite3.connect(source, timeout=BUSY_S, isolation_level=None)) as connection:
            _fill(connection, part, progress)
            if checked:
                _check(source, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as exc:
        raise SettingsError(f"The copy {str(target)!r} cannot be made: {exc}.") from exc
    finally:
        part.unlink(missing_ok=True)
    return target


def _fill(source: sqlite3.Connection, part: Path, progress: Callable[[int, int], None] | None) -> None:
    # A transaction that reads keeps the moment; without it each write of others would begin the copy anew.
    source.execute("BEGIN")
    size = source.execute("PRAGMA page_size").fetchone()[0]
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def at(_: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress((total - remaining) * size, total * size)

    with closing(sqlite3.connect(part, isolation_level=None)) as copied:
        source.backup(copied, pages=_PAGES, progress=at)
        copied.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    source.execute("ROLLBACK")


def _check(source: Path, part: Path) -> None:
    """Raises SettingsError where the copy is damaged: so is what it was made of."""
    try:
        with closing(sqlite3.connect(part)) as copied:
            faults = [str(row[0]) for row in copied.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as exc:  # too damaged to be looked through
        faults = [str(exc)]
    if faults != ["ok"]:
        raise SettingsError(
            f"The database {str(source)!r} is damaged: {'; '.join(faults)}. Nothing was written: keep the backups that "
            "there are, and see `glmgate db check`."
        )


def keep_newest(folder: Path, pattern: str, count: int) -> None:
    """Delete all but the newest of the folder's files of that pattern."""
    found = sorted(folder.glob(pattern), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for old in found[:-count]:
        old.unlink()


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise SettingsError(f"The database {str(file)!r} cannot be copied: {exc}.") from exc
