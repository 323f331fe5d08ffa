"""Tests of what is said about a database: its schema, its faults, its size."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import text

from glmgate.policy.audit import Act
from glmgate.storage.audit import append
from glmgate.storage.condition import Condition, condition
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.schema import OLDEST, REVISION, metadata
from glmgate.storage.upgrade import upgrade


async def found(url: str, *statements: str) -> Condition:
    """The condition of a database after these statements."""
    database = Database(url)
    for statement in statements:
        await database.write(lambda connection, said=statement: connection.execute(text(said)))  # type: ignore[misc] # bound early
    condition_ = await database.read(partial(condition, database))
    await database.aclose()
    return condition_


async def test_a_database_as_it_should_be(database_url: str) -> None:
    """All tables with their rows, the newest schema, no fault; a table of another program is no fault either."""
    await (await open_database(database_url)).aclose()
    seen = await found(database_url, "CREATE TABLE songs (name TEXT)")
    assert (seen.revision, seen.program, seen.oldest, seen.faults) == (REVISION, REVISION, OLDEST, ())
    assert seen.rows.keys() == metadata.tables.keys()
    assert seen.rows["projects"] == 1
    assert seen.size_bytes > 50_000
    assert seen.kind in database_url


async def test_an_empty_database(database_url: str) -> None:
    """Nothing is made by looking at it."""
    seen = await found(database_url)
    assert (seen.revision, seen.oldest, seen.rows, seen.faults) == (None, None, {}, ())
    assert (await found(database_url)).revision is None


async def test_an_older_schema_is_not_upgraded(database_url: str) -> None:
    """It is told, with the tables that it has."""
    database = Database(database_url)
    await database.write(partial(upgrade, revision="0002"))
    await database.aclose()
    seen = await found(database_url)
    assert (seen.revision, seen.oldest, seen.faults) == ("0002", "0002", ())
    assert "audit" not in seen.rows


async def test_tables_that_somebody_has_changed_are_told(database_url: str) -> None:
    """A column more, a table less."""
    await (await open_database(database_url)).aclose()
    seen = await found(database_url, "ALTER TABLE facts ADD COLUMN more TEXT", "DROP TABLE reasoning")
    assert any("more" in fault for fault in seen.faults)
    assert any("reasoning" in fault for fault in seen.faults)


async def test_damage_in_a_file_is_found(tmp_path: Path) -> None:
    """What SQLite's own check says; and rows that refer to nothing."""
    url = f"sqlite:///{tmp_path}/g.db"
    await (await open_database(url)).aclose()
    values = "'k', 'nowhere', 'k', 1, 1, 'user', '{}'"
    columns = "id, project_id, name, created_at, generation, kind, terms"
    # As another program, which does not ask for foreign keys to be held.
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection, connection:
        connection.execute(f"INSERT INTO keys ({columns}) VALUES ({values})")  # noqa: S608 -- the test's own
    assert (await found(url)).faults == ("keys: a row refers to nothing",)


async def test_a_row_of_the_audit_log_that_was_changed_is_named(database_url: str) -> None:
    """The first one of them."""
    database = await open_database(database_url)
    for number in range(3):
        await database.write(partial(append, done=Act("cli:me", "key.created", f"k{number}"), at=1.0))
    await database.aclose()
    assert (await found(database_url)).faults == ()
    seen = await found(database_url, "UPDATE audit SET actor = 'cli:you' WHERE seq > 1")
    assert seen.faults == ("the audit log: row 2 is wrong: its contents are not those that its digest was made of",)
