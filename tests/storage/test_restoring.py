"""Tests of putting an SQLite backup back: only a good one, only where nobody is, and nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.policy.keys import Key
from glmgate.storage.audit import SqlAuditStore
from glmgate.storage.copies import copy
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.restoring import check_source, restore
from glmgate.storage.upgrade import upgrade
from tests.fakes.accounts import put


async def keys(file: Path, *added: str) -> list[str]:
    """Add keys to a database; the names of all in it."""
    database = await open_database(f"sqlite:///{file}")
    store = SqlAccountStore(database)
    for name in added:
        await put(store, Key(id=name, name=name, created_at=float(ord(name))))
    found = [key.id for key in await store.look(lambda rows: rows.keys())]
    await database.aclose()
    return found


async def test_a_backup_comes_back_and_what_was_there_is_kept(tmp_path: Path) -> None:
    """Both are whole databases afterwards."""
    file = tmp_path / "g.db"
    await keys(file, "a")
    backup = copy(file, tmp_path / "backup.db")
    await keys(file, "b")
    kept = restore(backup, file, actor="cli:me")
    assert kept == tmp_path / "g.db.before-restore"
    assert await keys(file) == ["a"]
    assert await keys(kept) == ["a", "b"]
    assert await keys(backup) == ["a"]


async def test_a_backup_is_put_where_nothing_was(tmp_path: Path) -> None:
    """On a new machine."""
    await keys(tmp_path / "g.db", "a")
    (tmp_path / "new").mkdir()
    assert restore(copy(tmp_path / "g.db", tmp_path / "backup.db"), tmp_path / "new" / "g.db", actor="cli:me") is None
    assert await keys(tmp_path / "new" / "g.db") == ["a"]


async def test_nothing_is_restored_while_somebody_uses_the_database(tmp_path: Path) -> None:
    """A server that has read once, and is idle since, still counts; when it is gone, it works."""
    file = tmp_path / "g.db"
    await keys(file, "a")
    backup = copy(file, tmp_path / "backup.db")
    server = await open_database(f"sqlite:///{file}")
    await SqlAccountStore(server).look(lambda rows: rows.keys())
    with pytest.raises(SettingsError, match="in use"):
        restore(backup, file, actor="cli:me")
    await put(SqlAccountStore(server), Key(id="b", name="b", created_at=99.0))
    await server.aclose()
    assert await keys(file) == ["a", "b"]
    restore(backup, file, actor="cli:me")
    assert await keys(file) == ["a"]
    assert not list(tmp_path.glob("*.restored"))


async def test_a_damaged_database_is_replaced_and_kept(tmp_path: Path) -> None:
    """It is why somebody restores; its log does not stay to fall upon the new one."""
    file = tmp_path / "g.db"
    await keys(file, "a")
    backup = copy(file, tmp_path / "backup.db")
    file.write_bytes(b"not a database" * 1000)
    (tmp_path / "g.db-wal").write_bytes(b"nor is this its log")
    kept = restore(backup, file, actor="cli:me")
    assert kept is not None
    assert kept.read_bytes().startswith(b"not a database")
    assert not (tmp_path / "g.db-wal").exists()
    assert await keys(file) == ["a"]


async def test_only_a_good_backup_is_taken(tmp_path: Path) -> None:
    """Another sort of file, another program's database, a damaged one and a missing one: the message says which."""
    good = tmp_path / "good.db"
    await keys(good, "a")
    letter, strange, damaged = (tmp_path / name for name in ("letter.db", "strange.db", "damaged.db"))
    letter.write_text("a letter")
    strange.write_bytes(b"")
    content = bytearray(copy(good, damaged).read_bytes())
    content[8192:12288] = bytes(4096)
    damaged.write_bytes(content)
    for source, said in ((letter, "no SQLite"), (strange, "no SQLite"), (damaged, "damaged"), (tmp_path, "read")):
        with pytest.raises(SettingsError, match=said):
            restore(source, good, actor="cli:me")
    assert await keys(good) == ["a"]


def test_another_programs_database_is_no_backup(tmp_path: Path) -> None:
    """It is whole, but holds no schema of ours."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(SettingsError, match="another program"):
        check_source(tmp_path / "other.db")


async def test_the_restored_log_says_who_did_it(tmp_path: Path) -> None:
    """In the database that is put there, from the first moment; the backup stays as it was made."""
    file = tmp_path / "g.db"
    await keys(file, "a")
    backup = copy(file, tmp_path / "backup.db")
    bytes_ = backup.read_bytes()
    restore(backup, file, actor="cli:me")
    assert backup.read_bytes() == bytes_
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.db", "g.db", "g.db.before-restore"]
    database = await open_database(f"sqlite:///{file}")
    *_, last = await SqlAuditStore(database).entries(limit=9)
    await database.aclose()
    assert (last.actor, last.action, last.subject) == ("cli:me", "database.restored", "database")
    assert (last.before, last.after) == (None, '{"file":"backup.db"}')


async def test_a_backup_from_before_there_was_a_log_gets_no_row(tmp_path: Path) -> None:
    """Its upgrade will be the first one."""
    database = Database(f"sqlite:///{tmp_path}/old.db")
    await database.write(partial(upgrade, revision="0002"))
    await database.aclose()
    restore(tmp_path / "old.db", tmp_path / "g.db", actor="cli:me")
    database = await open_database(f"sqlite:///{tmp_path}/g.db")
    (entry,) = await SqlAuditStore(database).entries(limit=9)
    await database.aclose()
    assert (entry.actor, entry.action) == ("server", "database.upgraded")
