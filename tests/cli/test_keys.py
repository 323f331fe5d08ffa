"""Tests of `glmgate keys`, through its commands and on a real database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program


def listed(program: Program) -> list[dict[str, Any]]:
    """The keys, as JSON."""
    keys: list[dict[str, Any]] = program.json("keys", "list")
    return keys


def test_create_prints_the_key_alone(program: Program) -> None:
    """A script can take standard output as the key."""
    said = program.said("keys", "create", "--name", "mine")
    key_id, secret = said.removesuffix("\n").split(".")
    assert (len(key_id), len(secret)) == (32, 43)


def test_create_prints_more_as_json(program: Program) -> None:
    """--json has the key with everything that is known of it."""
    made = json.loads(program.said("keys", "create", "--name", "mine", "--days", "2", "--json"))
    assert made["key"].startswith(made["id"] + ".")
    assert (made["name"], made["state"], made["organisation"], made["project"]) == (
        "mine",
        "live",
        "default",
        "default",
    )
    assert made["expires_at"] - made["created_at"] == pytest.approx(2 * 86400, abs=5)


def test_create_needs_a_name(program: Program) -> None:
    """Without a name it is a mistake in the use, status 2."""
    assert program.run("keys", "create").exit_code == 2


@pytest.mark.parametrize("days", ["0", "-1", "soon"])
def test_create_refuses_an_end_in_the_past(program: Program, days: str) -> None:
    """Days are more than none."""
    assert program.run("keys", "create", "--name", "x", "--days", days).exit_code == 2


def test_a_bad_name_is_one_line_on_standard_error(program: Program) -> None:
    """Errors are told in a line, with status 1, and standard output stays empty."""
    result = program.run("keys", "create", "--name", " ")
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "name" in result.stderr


def test_show_prints_the_key_again(program: Program) -> None:
    """A key that was missed is not lost; its id or the key itself names it."""
    said = program.said("keys", "create", "--name", "mine")
    assert program.said("keys", "show", said.split(".")[0]) == said
    assert program.said("keys", "show", said.strip()) == said


def test_list_shows_everything_but_secrets(program: Program) -> None:
    """Ids, names, dates and states, for people and as JSON; never a secret."""
    first, second = (program.said("keys", "create", "--name", name).strip() for name in ("one", "two"))
    program.said("keys", "revoke", first.split(".")[0])
    text = program.said("keys", "list")
    assert [line.split()[1] for line in text.splitlines()] == ["NAME", "one", "two"]
    assert [line.split()[-1] for line in text.splitlines()] == ["STATE", "revoked", "live"]
    everything = text + json.dumps(listed(program))
    assert first.split(".")[1] not in everything
    assert second.split(".")[1] not in everything


def test_list_tells_when_a_key_ends(program: Program) -> None:
    """A key that expires shows its end."""
    program.said("keys", "create", "--name", "mine", "--days", "1")
    assert "live until" in program.said("keys", "list")


def test_an_empty_list_says_how_to_begin(program: Program) -> None:
    """Standard output stays empty, the hint goes to standard error."""
    result = program.run("keys", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "keys create" in result.stderr


def test_rotate_prints_the_new_key(program: Program) -> None:
    """The same id with another secret."""
    before = program.said("keys", "create", "--name", "mine").strip()
    after = program.said("keys", "rotate", before.split(".")[0], "--overlap", "60").strip()
    assert after.split(".")[0] == before.split(".")[0]
    assert after != before
    assert listed(program)[0]["generation"] == 2


def test_revoke_lasts(program: Program) -> None:
    """A revoked key is revoked for every later command, and can neither be rotated nor come back."""
    key_id = program.said("keys", "create", "--name", "mine").split(".")[0]
    assert program.said("keys", "revoke", key_id) == f"Key {key_id} is revoked.\n"
    assert listed(program)[0]["state"] == "revoked"
    assert program.run("keys", "rotate", key_id).exit_code == 1
    assert "revoked" in program.run("keys", "show", key_id).stderr


def test_revoke_as_json_tells_the_new_state(program: Program) -> None:
    """A script reads what became of the key."""
    key_id = program.said("keys", "create", "--name", "mine").split(".")[0]
    assert json.loads(program.said("keys", "revoke", key_id, "--json"))["state"] == "revoked"


@pytest.mark.parametrize("command", ["show", "rotate", "revoke"])
def test_an_unknown_id_is_told(program: Program, command: str) -> None:
    """One line that names the id, status 1."""
    result = program.run("keys", command, "nope")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no key 'nope': `glmgate keys list` shows all.\n"


def test_home_and_file_can_be_given_as_options(program: Program, tmp_path: Path) -> None:
    """--home goes before GLMGATE_HOME, --config names a file."""
    (tmp_path / "g.toml").write_text(f"[storage]\nurl = 'sqlite:///{tmp_path}/other.db'\n")
    other = ("--home", str(tmp_path / "other"), "--config", str(tmp_path / "g.toml"))
    program.said("keys", "create", "--name", "there", *other)
    assert listed(program) == []
    assert (tmp_path / "other.db").is_file()
    assert (tmp_path / "other" / "master.key").is_file()


def test_wrong_settings_stop_every_command(program: Program, tmp_path: Path) -> None:
    """A mistake in the settings file is one line that names it."""
    (tmp_path / "g.toml").write_text("[server]\nprot = 1\n")
    result = program.run("keys", "list", "--config", str(tmp_path / "g.toml"))
    assert result.exit_code == 1
    assert "Do you mean port?" in result.stderr


def test_a_key_is_made_with_its_terms(program: Program) -> None:
    """Every flag of terms becomes one of them, in its regular form."""
    project = program.said("projects", "create", "--name", "Web").strip()
    made = program.json(
        *("keys", "create", "--name", "a", "--project", project, "--models", "glm-4.*,gpt-4o", "--models", "glm-5"),
        *("--rpm", "60", "--tpm", "1000", "--in-flight", "4", "--budget", "10usd/day:warn@Europe/Paris"),
        *("--budget", "1000tokens/month", "--thinking", "off", "--max-tokens", "99", "--address", "10.0.0.0/8"),
        *("--filter", "secrets", "--tag", "team-a", "--tag", "b", "--contents", "on"),
    )
    assert made["project"] == project
    assert made["terms"] == {
        "models": ["glm-4.*", "gpt-4o", "glm-5"],
        "rpm": 60,
        "tpm": 1000,
        "in_flight": 4,
        "budgets": [
            {"limit": "10", "unit": "USD", "period": "day", "mode": "warn", "zone": "Europe/Paris"},
            {"limit": "1000", "unit": "tokens"},
        ],
        "thinking": "off",
        "max_tokens": 99,
        "addresses": ["10.0.0.0/8"],
        "filters": ["secrets"],
        "tags": ["team-a", "b"],
        "contents": True,
    }
    assert listed(program) == [{name: value for name, value in made.items() if name != "key"}]


def test_kinds_of_keys(program: Program) -> None:
    """An administrator's, a service account's with its owner, and any other; not two at once."""
    kinds = [
        program.json("keys", "create", "--name", "a", *flags)["kind"] for flags in ((), ("--admin",), ("--service",))
    ]
    assert kinds == ["user", "admin", "service"]
    assert [key["owner"] is not None for key in listed(program)] == [False, False, True]
    assert program.run("keys", "create", "--name", "a", "--admin", "--service").exit_code == 2


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--rpm", "0"), "at least 1"),
        (("--rpm", "99999999999999999999"), "at most 9007199254740991"),
        (("--budget", "10"), "is no budget"),
        (("--address", "10.0.0.1/8"), "host bits"),
        (("--project", "nope"), "no project 'nope'"),
        (("--expires", "soon"), "'soon' is no time"),
        (("--expires", "2001-01-01"), "in the past"),
        (("--expires", "99999999999d"), "'99999999999d' is too far away"),
        (("--expires", "9" * 400 + "d"), "is too far away"),
        (("--models", "a b"), "'a b' is no model"),
    ],
)
def test_terms_that_make_no_sense_are_told(program: Program, flags: tuple[str, ...], said: str) -> None:
    """One line, status 1, and no key."""
    result = program.run("keys", "create", "--name", "a", *flags)
    assert result.exit_code == 1
    assert said in result.stderr
    assert listed(program) == []


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2100-01-31", 4_105_036_800.0),
        ("2100-01-31T18:00", 4_105_101_600.0),
        ("2100-01-31T18:00+02:00", 4_105_094_400.0),
    ],
)
def test_an_end_is_a_date_or_a_time(program: Program, when: str, expected: float) -> None:
    """In UTC where it does not say."""
    assert program.json("keys", "create", "--name", "a", "--expires", when)["expires_at"] == expected


def test_an_end_is_a_span_from_now(program: Program) -> None:
    """Days or hours."""
    made = program.json("keys", "create", "--name", "a", "--expires", "36h")
    assert made["expires_at"] - made["created_at"] == pytest.approx(36 * 3600, abs=5)


def test_update_sets_and_takes_back(program: Program) -> None:
    """What is named changes, everything else stays."""
    made = program.json("keys", "create", "--name", "a", "--rpm", "5", "--tag", "x", "--expires", "30d")
    after = program.json("keys", "update", made["id"], "--in-flight", "2", "--unset", "rpm", "--name", "b")
    assert after["terms"] == {"in_flight": 2, "tags": ["x"]}
    assert (after["name"], after["expires_at"]) == ("b", made["expires_at"])
    after = program.json("keys", "update", made["id"], "--expires", "never", "--unset", "in-flight", "--unset", "tags")
    assert (after["terms"], after["expires_at"]) == ({}, None)
    assert listed(program) == [after]


def test_nothing_is_set_and_taken_back_at_once(program: Program) -> None:
    """Nobody could say which of the two is meant."""
    made = program.json("keys", "create", "--name", "a", "--in-flight", "3")
    result = program.run("keys", "update", made["id"], "--in-flight", "5", "--unset", "in-flight")
    assert result.exit_code == 2
    assert "--unset in-flight" in result.output
    assert listed(program)[0]["terms"] == {"in_flight": 3}


def test_update_says_what_holds_now(program: Program) -> None:
    """For people, in one line."""
    key_id = program.said("keys", "create", "--name", "a", "--budget", "10USD/day").partition(".")[0]
    said = program.said("keys", "update", key_id, "--rpm", "5")
    assert said == f"Key {key_id} is changed: rpm 5; budgets 10USD/day.\n"


def test_update_of_nothing_is_told(program: Program) -> None:
    """Instead of pretending that something was done."""
    key_id = program.said("keys", "create", "--name", "a").partition(".")[0]
    result = program.run("keys", "update", key_id)
    assert result.exit_code == 1
    assert "keys update --help" in result.stderr


def test_list_of_a_project(program: Program) -> None:
    """Only its keys."""
    project = program.said("projects", "create", "--name", "Web").strip()
    program.said("keys", "create", "--name", "mine", "--project", project)
    program.said("keys", "create", "--name", "other")
    assert [key["name"] for key in program.json("keys", "list", "--project", project)] == ["mine"]


@pytest.mark.parametrize("group", ["keys", "projects", "organisation"])
def test_help_says_whose_terms_let_messages_be_logged(program: Program, group: str) -> None:
    """A key's and the organisation's are kept, and do nothing."""
    assert "only a project's counts" in " ".join(program.said(group, "update", "--help").split())


def test_an_administrators_key_takes_no_limits(program: Program) -> None:
    """They would hold for nothing: status 1, and no key; networks are good for it."""
    result = program.run("keys", "create", "--name", "root", "--admin", "--rpm", "5")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'rpm' would hold for nothing" in result.stderr
    assert listed(program) == []
    made = program.json("keys", "create", "--name", "root", "--admin", "--address", "10.0.0.0/8")
    assert program.run("keys", "update", made["id"], "--budget", "1USD/day").exit_code == 1
