"""A database that was made at once is the one that the migrations make step by step."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from pathlib import Path

from glmgate.storage.database import Database
from glmgate.storage.fresh import create
from glmgate.storage.schema import REVISION
from glmgate.storage.upgrade import upgrade
from tests.servers.postgres import Postgres


def contents(path: Path) -> list[str]:
    """The statements that would make the database again, rows included, without the times of the rows."""
    connection = sqlite3.connect(path)
    try:
        dump = "\n".join(connection.iterdump())
    finally:
        connection.close()
    statements = re.sub(r"\d\.\d{9,}e\+09|\d{9,}\.\d+", "TIME", dump).split(";\n")
    return sorted(" ".join(statement.split()) for statement in statements)


async def test_made_at_once_and_migrated_are_equal(tmp_path: Path) -> None:
    """Tables, columns, keys, indexes, the default rows and the revision; the constraints' names too."""
    for name, make in (("fresh", create), ("migrated", upgrade)):
        database = Database(f"sqlite:///{tmp_path}/{name}.db")
        await database.write(make)
        await database.aclose()
    fresh, migrated = contents(tmp_path / "fresh.db"), contents(tmp_path / "migrated.db")
    assert fresh == migrated
    assert any(f"'{REVISION}'" in statement for statement in fresh)


async def test_made_at_once_and_migrated_are_equal_on_postgresql(postgres: Postgres) -> None:
    """The same, as PostgreSQL's own program writes both down."""
    dumps = []
    for make in (create, upgrade):
        with postgres.database() as name:
            database = Database(postgres.url(name))
            await database.write(make)
            await database.aclose()
            dumps.append(dump(postgres, name))
    assert dumps[0] == dumps[1]
    assert any(REVISION in line for line in dumps[0])


def dump(postgres: Postgres, name: str) -> list[str]:
    """The lines of a dump, without what differs between any two: comments, a key of psql's, times, columns' order."""
    command: list[str | Path] = [postgres.programs / "pg_dump", "--inserts", "--column-inserts", postgres.url(name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = (line.strip().rstrip(",") for line in done.splitlines())
    kept = [line for line in lines if line and not line.startswith(("--", "\\"))]
    return sorted(" ".join(sorted(re.split(r"[ ,()]+", re.sub(r"\d{9,}\.\d+", "TIME", line)))) for line in kept)
