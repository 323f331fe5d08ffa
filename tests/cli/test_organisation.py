"""Tests of `glmgate organisation`, through its commands and on a real database."""

from __future__ import annotations

from tests.cli.program import Program


def test_show_tells_what_holds_for_everybody(program: Program) -> None:
    """At first, nothing."""
    shown = program.json("organisation", "show")
    assert (shown["id"], shown["name"], shown["terms"]) == ("default", "Default", {})


def test_update_sets_and_takes_back(program: Program) -> None:
    """What is named changes, everything else stays."""
    program.said("organisation", "update", "--name", "ACME", "--tpm", "9", "--thinking", "off")
    after = program.json("organisation", "update", "--unset", "tpm", "--budget", "100EUR/month")
    assert after["name"] == "ACME"
    assert after["terms"] == {"thinking": "off", "budgets": [{"limit": "100", "unit": "EUR"}]}
    assert program.said("organisation", "show").splitlines()[-1].split() == ["thinking", "off"]


def test_mistakes_are_told(program: Program) -> None:
    """Nothing to change, and a value that makes no sense."""
    for arguments, said in (((), "Nothing was given"), (("--rpm", "-1"), "at least 1"), (("--name", " "), "name")):
        result = program.run("organisation", "update", *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert said in result.stderr
