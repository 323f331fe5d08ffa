"""Tests of copies of SQLite files: whole, of one moment, and never half there."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.storage.copies import copy, keep_newest


def make(file: Path, *, rows: int = 3) -> Path:
    """A database with two tables that always hold the same sum."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for table in ("a", "b"):
            connection.execute(f"CREATE TABLE {table} (n INTEGER, filling TEXT)")
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", [(1, "x" * 3000)] * rows)  # noqa: S608 -- ours
    return file


def sums(file: Path) -> tuple[int, int]:
    """The sums of both tables of a copy."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = connection.execute("SELECT (SELECT sum(n) FROM a), (SELECT sum(n) FROM b)").fetchone()
    return int(found[0]), int(found[1])


def test_a_copy_is_one_file_for_its_owner_only(tmp_path: Path) -> None:
    """What the log holds is in it; nothing else is left beside it."""
    source = make(tmp_path / "a.db")
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("INSERT INTO a VALUES (4, '')")
        connection.execute("INSERT INTO b VALUES (4, '')")
    target = copy(source, tmp_path / "copy.db")
    assert sums(target) == (7, 7)
    assert target.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.glob("copy*")} == {"copy.db"}


def test_a_copy_is_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """Writers neither wait for it nor get into it half, and it ends although they never stop."""
    source = make(tmp_path / "a.db", rows=15_000)
    stop = threading.Event()
    written = []

    def write() -> None:
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("UPDATE a SET n = n + 1 WHERE rowid = 1")
                connection.execute("UPDATE b SET n = n + 1 WHERE rowid = 1")
                connection.execute("COMMIT")
                written.append(time.monotonic())

    writer = threading.Thread(target=write)
    writer.start()
    told: list[tuple[int, int]] = []
    try:
        copy(source, tmp_path / "copy.db", progress=lambda done, total: told.append((done, total)))
        ended = time.monotonic()
    finally:
        stop.set()
        writer.join()
    one, other = sums(tmp_path / "copy.db")
    assert one == other
    assert sum(at < ended for at in written) > 1
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 2
    assert told[-1][0] == told[-1][1]


def test_a_copy_takes_the_place_of_another(tmp_path: Path) -> None:
    """As a whole: who opens the name finds the old one or the new one."""
    copy(make(tmp_path / "a.db", rows=1), tmp_path / "copy.db")
    copy(make(tmp_path / "b.db", rows=2), tmp_path / "copy.db")
    assert sums(tmp_path / "copy.db") == (2, 2)


def test_what_cannot_be_copied_leaves_nothing(tmp_path: Path) -> None:
    """A folder that is missing, or a file that is no database: told with its name, and the old copy stays."""
    (tmp_path / "letter.db").write_text("This is a letter and not a database at all.\n" * 100)
    copy(make(tmp_path / "a.db"), tmp_path / "copy.db")
    with pytest.raises(SettingsError, match=r"letter\.db.*cannot be copied"):
        copy(tmp_path / "letter.db", tmp_path / "copy.db")
    with pytest.raises(SettingsError, match="nowhere"):
        copy(tmp_path / "a.db", tmp_path / "nowhere" / "copy.db")
    assert sums(tmp_path / "copy.db") == (3, 3)
    assert not list(tmp_path.glob("*.part"))


def test_a_damaged_copy_replaces_nothing(tmp_path: Path) -> None:
    """The backup that is there may be the last good one."""
    source = make(tmp_path / "a.db", rows=300)
    target = copy(source, tmp_path / "copy.db", checked=True)
    before = target.read_bytes()
    with source.open("rb+") as file:
        file.seek(150 * 4096)
        file.write(b"\xff" * 64)
    with pytest.raises(SettingsError, match=r"'.*a\.db' is damaged: .*Nothing was written"):
        copy(source, target, checked=True)
    assert target.read_bytes() == before
    assert {path.name for path in tmp_path.glob("copy*")} == {"copy.db"}
    assert copy(source, target).stat().st_size == source.stat().st_size


def test_the_newest_are_kept(tmp_path: Path) -> None:
    """Fewer than may be kept are all kept."""
    for name in ("x.1", "x.2", "x.3", "y.1"):
        (tmp_path / name).touch()
        time.sleep(0.01)
    keep_newest(tmp_path, "x.*", 2)
    keep_newest(tmp_path, "x.*", 2)
    assert {path.name for path in tmp_path.iterdir()} == {"x.2", "x.3", "y.1"}
