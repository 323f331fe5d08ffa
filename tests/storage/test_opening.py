"""Tests of opening a database: new, old, newer than the program, and by several processes at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from glmgate.errors import SettingsError, Unavailable
from glmgate.storage import upgrade as upgrade_module
from glmgate.storage.audit import SqlAuditStore
from glmgate.storage.database import Database
from glmgate.storage.opening import current_revision, open_database, upgrade_database
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.schema import REVISION
from glmgate.storage.upgrade import upgrade

OPEN_AND_PIN = """
import asyncio, sys
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.opening import open_database

async def main():
    database = await open_database(sys.argv[1])
    print(await SqlAccountStore(database).pin("winner", sys.argv[2]))
    await database.aclose()

asyncio.run(main())
"""

OPEN_AND_LIST_MODULES = """
import asyncio, sys
from glmgate.storage.opening import open_database

async def main():
    await (await open_database(sys.argv[1])).aclose()

asyncio.run(main())
print(*sys.modules)
"""


def url(folder: Path) -> str:
    """The URL of a database in `folder`."""
    return f"sqlite:///{folder}/g.db"


def query(folder: Path, statement: str) -> list[tuple[object, ...]]:
    """What another program finds in the database."""
    connection = sqlite3.connect(folder / "g.db")
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def test_a_new_database_has_the_newest_schema(tmp_path: Path) -> None:
    """Opening makes the file and its tables."""
    database = await open_database(url(tmp_path))
    assert await database.read(current_revision) == REVISION
    await database.aclose()


async def test_a_new_database_has_a_default_organisation_and_project(tmp_path: Path) -> None:
    """Keys belong to the default project of the default organisation."""
    await (await open_database(url(tmp_path))).aclose()
    assert query(tmp_path, "SELECT id, organisation_id FROM projects") == [("default", "default")]


async def test_a_database_is_opened_again_as_it_was(tmp_path: Path) -> None:
    """The second start changes nothing."""
    await (await open_database(url(tmp_path))).aclose()
    query(tmp_path, "INSERT INTO facts VALUES ('kept', 'yes')")
    await (await open_database(url(tmp_path))).aclose()
    assert query(tmp_path, "SELECT value FROM facts WHERE name = 'kept'") == [("yes",)]


async def test_the_file_is_in_wal_mode(tmp_path: Path) -> None:
    """Readers and a writer do not wait for each other."""
    await (await open_database(url(tmp_path))).aclose()
    assert query(tmp_path, "PRAGMA journal_mode") == [("wal",)]


def as_newer(folder: Path, *, oldest: str) -> None:
    """Make the database one that a later program wrote, which says who can still work with it."""
    query(folder, "UPDATE alembic_version SET version_num = '9998'")
    query(folder, f"UPDATE facts SET value = '{oldest}' WHERE name = 'oldest_schema'")  # noqa: S608 -- the tests' own


async def test_a_newer_database_that_fits_is_taken(tmp_path: Path) -> None:
    """While an upgrade is rolled out, servers of the version before may be started again."""
    await (await open_database(url(tmp_path))).aclose()
    as_newer(tmp_path, oldest=REVISION)
    database = await open_database(url(tmp_path))
    assert await SqlAccountStore(database).look(lambda rows: rows.keys()) == ()
    await database.aclose()
    assert query(tmp_path, "SELECT version_num FROM alembic_version") == [("9998",)]


async def test_a_newer_database_that_does_not_fit_stops_the_start(tmp_path: Path) -> None:
    """The message names what is needed, and nothing is changed."""
    await (await open_database(url(tmp_path))).aclose()
    as_newer(tmp_path, oldest="9997")
    with pytest.raises(SettingsError, match=r"'9997'.*newer glmgate"):
        await open_database(url(tmp_path))


async def test_a_newer_database_stops_the_start(tmp_path: Path) -> None:
    """A database that a newer program wrote, and of which nobody has said who else may, is left alone."""
    await (await open_database(url(tmp_path))).aclose()
    query(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    query(tmp_path, "DELETE FROM facts")
    with pytest.raises(SettingsError, match=r"'9999'.*newer glmgate"):
        await open_database(url(tmp_path))
    assert query(tmp_path, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_several_processes_may_start_at_once_on_a_new_database(tmp_path: Path) -> None:
    """One upgrades, the others wait for it; all see one database."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_AND_PIN, url(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    ended = [(*process.communicate(timeout=60), process.returncode) for process in started]
    assert [(errors, code) for _, errors, code in ended] == [("", 0)] * 3
    assert len({answer for answer, _, _ in ended}) == 1


def test_only_an_upgrade_imports_alembic(tmp_path: Path) -> None:
    """Neither a first start nor one on an up-to-date database pays for it; SQLAlchemy's ORM is never imported."""
    command = [sys.executable, "-c", OPEN_AND_LIST_MODULES, url(tmp_path)]
    first = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    second = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"alembic", "sqlalchemy.orm"}.isdisjoint(first + second)


async def old(database_url: str, revision: str = "0001") -> None:
    """Make a database as an older program left it, with a fact in it."""
    database = Database(database_url)
    await database.write(partial(upgrade, revision=revision))
    await database.write(lambda connection: connection.execute(text("INSERT INTO facts VALUES ('kept', 'yes')")))
    await database.aclose()


def revision_of(file: Path) -> str:
    """The revision of a copy."""
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


async def test_an_older_file_is_upgraded_after_a_copy(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The copy has the old schema and the rows, is for its owner only, and the log says where it is."""
    await old(url(tmp_path))
    await (await open_database(url(tmp_path))).aclose()
    copied = tmp_path / f"g.db.before-{REVISION}"
    assert revision_of(copied) == "0001"
    assert revision_of(tmp_path / "g.db") == REVISION
    assert copied.stat().st_mode & 0o777 == 0o600
    assert str(copied) in caplog.text
    with closing(sqlite3.connect(copied)) as connection:
        assert connection.execute("SELECT value FROM facts WHERE name = 'kept'").fetchall() == [("yes",)]


async def test_few_copies_are_kept(tmp_path: Path) -> None:
    """Old ones go, the newest stay, and nothing else is touched."""
    for number in range(5):
        (tmp_path / f"g.db.before-{number}").touch()
        os.utime(tmp_path / f"g.db.before-{number}", (number, number))
    (tmp_path / "other.db.before-1").touch()
    await old(url(tmp_path))
    await (await open_database(url(tmp_path))).aclose()
    names = {path.name for path in tmp_path.glob("*before*")}
    assert names == {"other.db.before-1", "g.db.before-3", "g.db.before-4", f"g.db.before-{REVISION}"}


async def test_a_file_that_cannot_be_copied_is_not_upgraded(tmp_path: Path) -> None:
    """Without a copy the old schema stays."""
    await old(url(tmp_path))
    (tmp_path / f"g.db.before-{REVISION}").mkdir()
    with pytest.raises(SettingsError, match="copy"):
        await open_database(url(tmp_path))
    assert revision_of(tmp_path / "g.db") == "0001"


async def test_serving_upgrades_no_postgresql(postgres_url: str) -> None:
    """It names the command that does; then it starts, and what was there is there."""
    await old(postgres_url)
    with pytest.raises(SettingsError, match="glmgate db upgrade"):
        await open_database(postgres_url)
    assert await upgrade_database(postgres_url, actor="cli:me") == ("0001", REVISION)
    assert await upgrade_database(postgres_url, actor="cli:me") == (REVISION, REVISION)
    database = await open_database(postgres_url)
    assert await SqlAccountStore(database).pin("kept", "no") == "yes"
    assert await acts(database) == [("cli:me", '{"schema":"0001"}', f'{{"schema":"{REVISION}"}}')]
    await database.aclose()


async def test_an_upgrade_stands_in_the_audit_log(tmp_path: Path) -> None:
    """Under the program's own name where nobody asked for it; a database that is new or as it should be has no row."""
    for start in ("0003", None):
        folder = tmp_path / str(start)
        folder.mkdir()
        if start is not None:
            await old(url(folder), start)
        for _ in range(2):
            await (await open_database(url(folder))).aclose()
        database = await open_database(url(folder))
        said = [("server", f'{{"schema":"{start}"}}', f'{{"schema":"{REVISION}"}}')]
        assert await acts(database) == (said if start else [])
        await database.aclose()


async def acts(database: Database) -> list[tuple[str, str | None, str | None]]:
    """Who has upgraded the database, from what to what."""
    entries = await SqlAuditStore(database).entries(limit=9)
    assert {entry.action for entry in entries} <= {"database.upgraded"}
    return [(entry.actor, entry.before, entry.after) for entry in entries]


async def test_an_upgrade_waits_for_nobody_for_long(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a table stays in use it gives up, changes nothing, and works later."""
    monkeypatch.setattr(upgrade_module, "_LOCK_S", 1)
    await old(postgres_url, "0002")
    with closing(psycopg.connect(postgres_url)) as other:
        other.execute("LOCK TABLE keys IN ACCESS SHARE MODE")
        with pytest.raises(Unavailable, match="lock timeout"):
            await upgrade_database(postgres_url, actor="cli:me")
    assert await upgrade_database(postgres_url, actor="cli:me") == ("0002", REVISION)


async def test_an_empty_postgresql_database_gets_its_tables(postgres_url: str) -> None:
    """Nothing is upgraded there, so a first start needs no command."""
    database = await open_database(postgres_url)
    assert await database.read(current_revision) == REVISION
    await database.aclose()


async def test_who_cannot_be_reached_is_named(tmp_path: Path) -> None:
    """The start says which database it is, without its password."""
    with pytest.raises(Unavailable, match=r"u:\*\*\*@127\.0\.0\.1:1/db.*\[storage\] url") as caught:
        await open_database("postgresql://u:geheim@127.0.0.1:1/db")
    assert "geheim" not in caught.value.message
