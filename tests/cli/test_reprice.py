"""`glmgate reprice` on a real database and settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glmgate.wire.engine import Place
from tests.cli.spent import SETTINGS, Program, spent

MONTH = ("--month", "2026-11")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, after a month at prices that were wrong."""
    made = Program(tmp_path / "home")
    made.configure()
    own = Place("tiny", "", "tiny")
    made.put(
        [
            *spent(1, "2026-11-01", 1000), *spent(2, "2026-11-02", None), *spent(3, "2026-11-03", 5, place=own),
            *spent(4, "2026-12-01", 1000),
        ]
    )  # fmt: skip
    return made


def amounts(program: Program, month: str = "2026-11") -> dict[str, str]:
    """What the month cost, by currency."""
    rows = json.loads(program.said("usage", "--month", month, "--by", "organisation", "--json"))["rows"]
    found: dict[str, str] = rows[0]["amounts"]
    return found


def test_calls_get_the_price_of_the_settings(program: Program) -> None:
    """Also those that had none; what is ours stays, and so does every other month."""
    said = program.said("reprice", *MONTH)
    assert said == "zai/glm-4.6: 2 calls, USD 0.000001 -> USD 0.00004\nChanged.\n"
    assert amounts(program) == {"USD": "0.000040005"}
    assert amounts(program, "2026-12") == {"USD": "0.000001"}
    assert program.said("reprice", *MONTH) == "Every call has the price that the settings say.\n"
    (act,) = json.loads(program.said("audit", "list", "--json"))
    assert (act["action"], act["actor"][:4]) == ("ledger.repriced", "cli:")
    assert act["before"]["amounts"] == {"zai/glm-4.6": {"USD": "0.000001"}}
    assert act["after"]["amounts"] == {"zai/glm-4.6": {"USD": "0.00004"}}


def test_a_dry_run_says_the_same_and_changes_nothing(program: Program) -> None:
    """So that it can be looked at first."""
    before = amounts(program)
    said = program.said("reprice", *MONTH, "--dry-run")
    assert said == "zai/glm-4.6: 2 calls, USD 0.000001 -> USD 0.00004\nNothing was changed (--dry-run).\n"
    assert amounts(program) == before


def test_each_day_has_its_price(program: Program) -> None:
    """A price that begins within the month holds from its day on."""
    later = '\n[[prices]]\nmodel = "glm-4.6"\ncurrency = "CNY"\nsince = 2026-11-02\ninput = 10\noutput = 10\n'
    program.configure(SETTINGS + later)
    assert "2 calls, USD 0.000001 -> CNY 0.00015 + USD 0.00002" in program.said("reprice", *MONTH)
    assert amounts(program) == {"CNY": "0.00015", "USD": "0.000020005"}
