"""Tests of `glmgate audit`: every command that changes something is in the log, and a log that was changed is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from glmgate.cli.accounts import actor
from tests.cli.program import Program

DOUBLED = (
    "INSERT INTO audit SELECT 11, at, actor, action, subject, before, after, previous, digest FROM audit WHERE seq = 10"
)


@pytest.fixture
def busy(program: Program) -> Program:
    """A program that has done one act of each sort."""
    project = program.said("projects", "create", "--name", "Web").strip()
    program.said("projects", "update", project, "--rpm", "5")
    key_id = program.said("keys", "create", "--name", "a", "--project", project).partition(".")[0]
    program.said("keys", "update", key_id, "--rpm", "1")
    program.said("keys", "rotate", key_id)
    program.said("keys", "revoke", key_id)
    program.said("organisation", "update", "--name", "ACME")
    program.said("keys", "create", "--name", "robot", "--service")
    program.said("projects", "archive", project)
    return program


def tamper(program: Program, statement: str) -> None:
    """Change the log behind the program's back."""
    with closing(sqlite3.connect(program.home / "glmgate.db")) as connection, connection:
        connection.execute(statement)


def test_each_act_is_in_the_log(busy: Program) -> None:
    """The newest first, under the name of who ran the command, with what was before and after; looking is no act."""
    busy.said("keys", "list")
    entries = busy.json("audit", "list")
    assert [entry["action"] for entry in reversed(entries)] == [
        "project.created",
        "project.updated",
        "api_key.created",
        "api_key.updated",
        "api_key.rotated",
        "api_key.deleted",
        "organization.updated",
        "service_account.created",
        "api_key.created",
        "project.archived",
    ]
    assert {entry["actor"] for entry in entries} == {actor()}
    assert actor().startswith("cli:")
    changed = entries[-2]
    assert (changed["before"]["terms"], changed["after"]["terms"]) == ({}, {"rpm": 5})


def test_list_is_a_table_of_the_last_acts(busy: Program) -> None:
    """As many as are asked for."""
    head, *lines = busy.said("audit", "list", "--limit", "2").splitlines()
    assert head.split() == ["ROW", "TIME", "WHO", "ACT", "SUBJECT"]
    assert [line.split()[0] for line in lines] == ["10", "9"]


def test_no_secret_is_in_the_log(program: Program) -> None:
    """Neither of a new key nor of a rotated one."""
    key = program.said("keys", "create", "--name", "a").strip()
    again = program.said("keys", "rotate", key).strip()
    said = program.said("audit", "list", "--json")
    assert key.partition(".")[0] in said
    assert key.partition(".")[2] not in said
    assert again.partition(".")[2] not in said


def test_an_untouched_log_is_right(busy: Program) -> None:
    """The head is the digest of the last row; later it proves that the row is still there."""
    shown = busy.json("audit", "verify")
    assert shown == {"ok": True, "entries": 10, "head": busy.json("audit", "list")[0]["digest"], "broken": None}
    busy.said("keys", "create", "--name", "later")
    assert busy.said("audit", "verify", "--head", shown["head"]).startswith("11 rows are as they were written.")


@pytest.mark.parametrize(
    ("statement", "row", "why"),
    [
        ("UPDATE audit SET actor = 'cli:nobody' WHERE seq = 4", 4, "contents"),
        ("UPDATE audit SET after = '{}' WHERE seq = 1", 1, "contents"),
        ("DELETE FROM audit WHERE seq = 6", 6, "taken out"),
        ("DELETE FROM audit WHERE seq = 1", 1, "taken out"),
        (DOUBLED, 11, "does not follow"),
    ],
    ids=["changed", "changed after", "taken out", "first taken out", "put in"],
)
def test_a_log_that_was_changed_is_found(busy: Program, statement: str, row: int, why: str) -> None:
    """Status 1, and the first row that is wrong."""
    tamper(busy, statement)
    result = busy.run("audit", "verify")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Row {row} is wrong: ")
    assert why in result.stderr
    found = busy.run("audit", "verify", "--json")
    assert found.exit_code == 1
    assert f'"seq": {row}' in found.stdout


def test_an_end_that_was_cut_is_found_by_the_head(busy: Program) -> None:
    """Without it, a shorter log looks right."""
    head = busy.json("audit", "verify")["head"]
    tamper(busy, "DELETE FROM audit WHERE seq > 7")
    assert busy.json("audit", "verify")["entries"] == 7
    result = busy.run("audit", "verify", "--head", head)
    assert result.exit_code == 1
    assert "Row 8 is wrong" in result.stderr


def test_what_is_no_head_is_told(program: Program) -> None:
    """One line, status 1."""
    result = program.run("audit", "verify", "--head", "abc")
    assert (result.exit_code, "no digest" in result.stderr) == (1, True)
