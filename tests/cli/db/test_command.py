"""Tests of `glmgate db`, through its commands, on a file and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glmgate.cli.main import main
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.schema import REVISION
from glmgate.storage.upgrade import upgrade
from tests.servers.redis import Redis


class Program:
    """The program with a home and a database of its own."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url

    def run(self, *arguments: str) -> Result:
        """Run a command."""
        environment = {"GLMGATE_HOME": str(self.home), "GLMGATE_STORAGE_URL": "env:TEST_URL", "TEST_URL": self.url}
        return CliRunner().invoke(main, arguments, env=environment)

    def said(self, *arguments: str) -> str:
        """What a command that succeeds prints on standard output."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """What a command that fails says."""
        result = self.run(*arguments)
        assert result.exit_code == 1, result.output
        return result.stderr

    def acts(self) -> list[dict[str, Any]]:
        """The audit log, the newest first."""
        found: list[dict[str, Any]] = json.loads(self.said("audit", "list", "--json"))
        return found

    def keys(self) -> list[str]:
        """The names of the keys."""
        return [key["name"] for key in json.loads(self.said("keys", "list", "--json"))]


@pytest.fixture
def program(tmp_path: Path, database_url: str) -> Program:
    """The program with a database of each sort, which has one key."""
    (tmp_path / "home").mkdir()
    made = Program(tmp_path / "home", database_url)
    made.said("keys", "create", "--name", "one")
    return made


@pytest.fixture
def on_file(tmp_path: Path) -> Program:
    """The program with a file, which has one key."""
    (tmp_path / "home").mkdir()
    made = Program(tmp_path / "home", f"sqlite:///{tmp_path}/g.db")
    made.said("keys", "create", "--name", "one")
    return made


def test_a_backup_is_restored(program: Program, tmp_path: Path) -> None:
    """Into a database that has gone on; without --yes nothing is replaced, neither a file nor a database."""
    backup = str(tmp_path / "backup")
    result = program.run("db", "backup", backup)
    assert "holds the database" in result.stdout
    assert "master.key" in result.stderr
    assert "there already" in program.refused("db", "backup", backup)
    program.said("keys", "create", "--name", "two")
    assert "--yes" in program.refused("db", "restore", backup)
    assert program.keys() == ["one", "two"]
    assert REVISION in program.said("db", "restore", backup, "--yes")
    assert program.keys() == ["one"]
    restored, created = program.acts()
    assert (restored["action"], restored["after"]) == ("database.restored", {"file": "backup"})
    assert (created["action"], created["actor"]) == ("api_key.created", restored["actor"])
    program.said("audit", "verify")
    assert "holds" in program.said("db", "backup", backup, "--yes")


async def test_nothing_is_restored_under_a_server(program: Program, tmp_path: Path) -> None:
    """It is told to be in use."""
    backup = str(tmp_path / "backup")
    await asyncio.to_thread(program.said, "db", "backup", backup)
    server = await open_database(program.url)
    assert "in use" in await asyncio.to_thread(program.refused, "db", "restore", backup, "--yes")
    await server.aclose()
    await asyncio.to_thread(program.said, "db", "restore", backup, "--yes")


def test_what_limits_have_counted_goes_with_what_was_replaced(on_file: Program, tmp_path: Path) -> None:
    """Otherwise budgets would go on with sums that the ledger does not have."""
    (on_file.home / "counters.db").touch()
    on_file.said("db", "backup", str(tmp_path / "backup"))
    on_file.said("db", "restore", str(tmp_path / "backup"), "--yes")
    assert not (on_file.home / "counters.db").exists()


def test_what_redis_has_counted_goes_too(on_file: Program, tmp_path: Path, redis: Redis) -> None:
    """And where Redis is away, the restore is done and says what is left."""
    redis.set("{glmgate:}money", "5")
    on_file.said("db", "backup", str(tmp_path / "backup"))
    for url, left in ((redis.url, ""), ("redis://127.0.0.1:1", "still in Redis")):
        (on_file.home / "glmgate.toml").write_text(f"[storage]\nredis_url = '{url}'\n")
        result = on_file.run("db", "restore", str(tmp_path / "backup"), "--yes")
        assert result.exit_code == 0
        assert left in result.stderr
        assert redis.names() == []


def test_a_check_says_how_the_database_is(program: Program) -> None:
    """For people, and as JSON."""
    said = program.said("db", "check")
    assert f"Schema     {REVISION}; the newest" in said
    assert "keys: 1\n" in said
    assert "The database is whole." in said
    found = json.loads(program.said("db", "check", "--json"))
    assert (found["revision"], found["rows"]["keys"], found["faults"]) == (REVISION, 1, [])


def test_a_check_fails_where_something_is_wrong(on_file: Program, tmp_path: Path) -> None:
    """With what it is, and exit status 1."""
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection, connection:
        connection.execute("DROP TABLE reasoning")
    result = on_file.run("db", "check")
    assert result.exit_code == 1
    assert "WRONG      the schema differs" in result.stdout
    assert "whole" not in result.stdout


def test_a_check_verifies_the_audit_log(on_file: Program, tmp_path: Path) -> None:
    """With the first row that is wrong."""
    on_file.said("keys", "create", "--name", "two")
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection, connection:
        connection.execute("DELETE FROM audit WHERE seq = 1")
    result = on_file.run("db", "check")
    assert result.exit_code == 1
    assert "WRONG      the audit log: row 1 is wrong: a row was taken out here" in result.stdout


def test_a_database_is_upgraded_by_command(database_url: str, tmp_path: Path) -> None:
    """From what to what it says, also that there was nothing to do."""

    async def old() -> None:
        database = Database(database_url)
        await database.write(partial(upgrade, revision="0001"))
        await database.aclose()

    asyncio.run(old())
    program = Program(tmp_path, database_url)
    assert f"brings it to {REVISION}" in program.said("db", "check")
    assert f"The schema is {REVISION} now; it was 0001." in program.said("db", "upgrade")
    assert program.said("db", "upgrade") == f"The schema is {REVISION}, the newest.\n"
    (act,) = program.acts()
    assert (act["action"], act["before"], act["actor"][:4]) == ("database.upgraded", {"schema": "0001"}, "cli:")


def test_an_empty_database_gets_its_tables_by_command(tmp_path: Path, postgres_url: str) -> None:
    """As a job that runs before the first server."""
    program = Program(tmp_path, postgres_url)
    assert "empty; the next start" in program.said("db", "check")
    assert "the database was empty" in program.said("db", "upgrade")


def test_a_newer_database_is_judged_by_what_it_says(on_file: Program, tmp_path: Path) -> None:
    """Whether this program can work with it."""
    for oldest, said in ((REVISION, "can work"), ("9000", "cannot work")):
        with closing(sqlite3.connect(tmp_path / "g.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9001'")
            connection.execute("UPDATE facts SET value = ? WHERE name = 'oldest_schema'", (oldest,))
        assert f"{said} with it" in on_file.said("db", "check")
    assert "newer glmgate" in on_file.refused("keys", "list")


def test_an_older_backup_is_upgraded_after_it_was_restored(on_file: Program, tmp_path: Path) -> None:
    """The command says so, and the next start does it."""

    async def old() -> None:
        database = Database(f"sqlite:///{tmp_path}/old.db")
        await database.write(partial(upgrade, revision="0002"))
        await database.aclose()

    asyncio.run(old())
    result = on_file.run("db", "restore", str(tmp_path / "old.db"), "--yes")
    assert "schema 0002" in result.stdout
    assert "older than this program" in result.stderr
    assert on_file.keys() == []


def test_pruning_says_what_goes(program: Program) -> None:
    """--dry-run says it before."""
    assert program.said("db", "prune", "--dry-run").splitlines() == [
        "ledger: 0 rows would go.", "requests: 0 rows would go.", "reasoning: 0 rows would go."
    ]  # fmt: skip
    assert "reasoning: 0 rows are gone." in program.said("db", "prune")


@pytest.mark.parametrize("arguments", [["check"], ["backup", "b"], ["prune"]])
def test_there_is_nothing_before_the_first_start(tmp_path: Path, arguments: list[str]) -> None:
    """And no file is made by looking for one."""
    program = Program(tmp_path, f"sqlite:///{tmp_path}/g.db")
    assert "no database yet" in program.refused("db", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_does_not_replace_the_database(on_file: Program, tmp_path: Path) -> None:
    """Whatever --yes says; and its folder must be there."""
    assert "the database itself" in on_file.refused("db", "backup", str(tmp_path / "g.db"), "--yes")
    assert "does not exist" in on_file.refused("db", "backup", str(tmp_path / "nowhere" / "b"))
    assert on_file.keys() == ["one"]


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    """The URL is shown without it."""
    program = Program(tmp_path, "postgresql://u:geheim@127.0.0.1:1/db")
    said = program.refused("db", "upgrade")
    assert "u:***@127.0.0.1" in said
    assert "geheim" not in said
