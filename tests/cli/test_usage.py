"""`glmgate usage` on a real database: what is asked, and how it is summed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from glmgate.policy.keys import Key
from glmgate.policy.ledger import Owner
from glmgate.wire.engine import Place
from tests.cli.spent import Program, spent

MONTH = ("--month", "2026-11")
AIR = Place("zai/glm-4.5-air", "zai", "glm-4.5-air")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, after three days of work."""
    made = Program(tmp_path / "home")
    other = Owner(key_id="b2", organisation="default", project="default")
    made.put(
        [
            *spent(1, "2026-11-01", 1_000_000_000), *spent(2, "2026-11-01", 500_000_000, place=AIR),
            *spent(3, "2026-11-02", 250_000_000, owner=other, ending="client_left", estimated=True),
            *spent(4, "2026-11-03", 7_000_000_000, currency="CNY"), *spent(5, "2026-12-01", 9_000_000_000),
        ],
        Key(id="key", name="for the shop", created_at=1.0),
    )  # fmt: skip
    return made


def rows(program: Program, *arguments: str) -> list[dict[str, Any]]:
    """What --json has."""
    found: list[dict[str, Any]] = json.loads(program.said("usage", *MONTH, *arguments, "--json"))["rows"]
    return found


def test_days_are_summed(program: Program) -> None:
    """Each day of the month that has something, currencies apart."""
    assert [(row["day"], row["requests"], row["amounts"]) for row in rows(program)] == [
        ("2026-11-01", 2, {"USD": "1.50"}),
        ("2026-11-02", 1, {"USD": "0.25"}),
        ("2026-11-03", 1, {"CNY": "7.00"}),
    ]


def test_several_things_at_once(program: Program) -> None:
    """In the order that they were asked in."""
    assert [(row["model"], row["day"]) for row in rows(program, "--by", "model", "--by", "day")] == [
        ("glm-4.5-air", "2026-11-01"), ("glm-4.6", "2026-11-01"), ("glm-4.6", "2026-11-02"), ("glm-4.6", "2026-11-03")
    ]  # fmt: skip


def test_keys_have_their_names(program: Program) -> None:
    """Those that there still are."""
    found = rows(program, "--by", "key")
    assert [(row["key"], row["key_name"], row["requests"]) for row in found] == [
        ("b2", None, 1),
        ("key", "for the shop", 3),
    ]
    assert "for the shop (key)" in program.said("usage", *MONTH, "--by", "key")


def test_only_some_of_it(program: Program) -> None:
    """By key, by model, and by both."""
    assert [row["requests"] for row in rows(program, "--by", "model", "--key", "key")] == [1, 2]
    assert [row["requests"] for row in rows(program, "--by", "model", "--key", "key", "--model", "glm-4.6")] == [2]
    assert rows(program, "--project", "nobody") == []


def test_endings_are_of_requests(program: Program) -> None:
    """As clients saw them; deployments have none."""
    found = rows(program, "--by", "ending")
    assert [(row["ending"], row["requests"]) for row in found] == [("client_left", 1), ("completed", 3)]
    result = program.run("usage", *MONTH, "--by", "ending", "--by", "deployment")
    assert result.exit_code == 1
    assert "There are no sums by 'deployment' here" in result.stderr


def test_hours(program: Program) -> None:
    """From the rows themselves."""
    assert [row["hour"] for row in rows(program, "--by", "hour")] == [f"2026-11-0{day} 12:00" for day in (1, 2, 3)]
    assert program.run("usage", "--by", "hour", "--by", "day").exit_code == 2


def test_csv_has_a_column_for_each_currency(program: Program) -> None:
    """And the same numbers as JSON."""
    text = program.said("usage", *MONTH, "--by", "model", "--csv")
    found = list(csv.DictReader(io.StringIO(text)))
    assert [(row["model"], row["amount_cny"], row["amount_usd"]) for row in found] == [
        ("glm-4.5-air", "", "0.50"), ("glm-4.6", "7.00", "1.25")
    ]  # fmt: skip
    assert [int(row["input_tokens"]) for row in found] == [10, 30]
    assert program.run("usage", "--csv", "--json").exit_code == 2


def test_the_table_fits_the_terminal(program: Program) -> None:
    """Whatever its width; bars stand where there is room for them."""
    for columns in (60, 80, 120):
        lines = program.said("usage", *MONTH, "--by", "model", columns=columns).splitlines()
        table = [line for line in lines if line.startswith(("MODEL", "glm", "all"))]
        assert len(table) == 4
        assert max(map(len, table)) <= columns
    assert "█" in program.said("usage", *MONTH, "--by", "model", columns=120)


def test_nothing_is_told_where_nothing_was_asked(tmp_path: Path) -> None:
    """A fresh home is no error."""
    result = Program(tmp_path / "fresh").run("usage")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Nothing was asked in that time.\n"
