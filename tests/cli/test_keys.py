"""Tests of `glmgate keys`, through its commands and on a real database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glmgate.cli.main import main


class Program:
    """The program with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *arguments: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(main, arguments, env={"GLMGATE_HOME": str(self.home)})

    def said(self, *arguments: str) -> str:
        """What a command that succeeds prints on standard output."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def listed(self) -> list[dict[str, Any]]:
        """The keys, as JSON."""
        keys: list[dict[str, Any]] = json.loads(self.said("keys", "list", "--json"))
        return keys


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program on a fresh machine."""
    return Program(tmp_path / "home")


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
    everything = text + json.dumps(program.listed())
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
    assert program.listed()[0]["generation"] == 2


def test_revoke_lasts(program: Program) -> None:
    """A revoked key is revoked for every later command, and can neither be rotated nor come back."""
    key_id = program.said("keys", "create", "--name", "mine").split(".")[0]
    assert program.said("keys", "revoke", key_id) == f"Key {key_id} is revoked.\n"
    assert program.listed()[0]["state"] == "revoked"
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
    assert program.listed() == []
    assert (tmp_path / "other.db").is_file()
    assert (tmp_path / "other" / "master.key").is_file()


def test_wrong_settings_stop_every_command(program: Program, tmp_path: Path) -> None:
    """A mistake in the settings file is one line that names it."""
    (tmp_path / "g.toml").write_text("[server]\nprot = 1\n")
    result = program.run("keys", "list", "--config", str(tmp_path / "g.toml"))
    assert result.exit_code == 1
    assert "Do you mean port?" in result.stderr
