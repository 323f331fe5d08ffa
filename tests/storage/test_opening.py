"""Tests of opening a database: new, old, newer than the program, and by several processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.storage.opening import current_revision, open_database
from glmgate.storage.schema import REVISION

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
    assert query(tmp_path, "SELECT value FROM facts") == [("yes",)]


async def test_the_file_is_in_wal_mode(tmp_path: Path) -> None:
    """Readers and a writer do not wait for each other."""
    await (await open_database(url(tmp_path))).aclose()
    assert query(tmp_path, "PRAGMA journal_mode") == [("wal",)]


async def test_a_newer_database_stops_the_start(tmp_path: Path) -> None:
    """A database that a newer program wrote is left alone, and the message says what to do."""
    await (await open_database(url(tmp_path))).aclose()
    query(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
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
