"""`glmgate config check`: what it shows, and how it tells what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glmgate.cli.main import main

TEXT = """
[server]
port = 1234

[[upstreams]]
name = "main"
profile = "zai"
credentials = ["env:SOME_KEY", "file:key"]
concurrency = 4

[[upstreams]]
name = "own"
profile = "vllm"

[[models]]
name = "glm-4.6"
aliases = ["gpt-4o"]
route = [{ upstream = "own", model = "zai-org/GLM-4.6" }, { upstream = "main", priority = 1 }]
cache = { ttl = 60 }
"""


def checked(home: Path, text: str | None, *flags: str, **environment: str) -> Result:
    """The command's outcome with `text` as the home's file."""
    if text is not None:
        (home / "glmgate.toml").write_text(text)
    (home / "key").write_text("file.SECRET")
    return CliRunner().invoke(main, ["config", "check", "--home", str(home), *flags], env=environment)


def found(home: Path, text: str | None, **environment: str) -> dict[str, Any]:
    """What it shows as JSON."""
    result = checked(home, text, "--json", **environment)
    assert result.exit_code == 0, result.output
    shown: dict[str, Any] = json.loads(result.stdout)
    return shown


def test_the_database_is_shown_without_its_password(tmp_path: Path) -> None:
    """Where everything is kept and limits are counted; a URL that cannot be served is told before the start."""
    text = "[storage]\nurl = 'env:URL'\n"
    shown = found(tmp_path, text, URL="postgresql://u:SECRET@host/name")
    assert (shown["database"], shown["limits_counted_in"]) == ("postgresql://u:***@host/name", "database")
    result = checked(tmp_path, text, URL="mysql://u:SECRET@host/name")
    assert result.exit_code == 1
    assert "is not served" in result.stderr
    assert "SECRET" not in result.output


def test_services_models_and_secrets_are_shown(tmp_path: Path) -> None:
    """Everything that was set, and where each secret is; never what it is."""
    result = checked(tmp_path, TEXT, SOME_KEY="env.SECRET")
    assert result.exit_code == 0
    assert "SECRET" not in result.output
    for part in (
        str(tmp_path / "glmgate.toml"),
        "127.0.0.1:1234",
        "main (profile zai): https://",
        "env:SOME_KEY is set, file:key is set; 4 slots",
        "own (profile vllm): http://127.0.0.1:8000/v1",
        "no credential; slots are learned",
        "glm-4.6 (chat, also gpt-4o)",
        "1. own/zai-org/GLM-4.6",
        "1. main/glm-4.6",
        "The settings are right.",
    ):
        assert part in result.stdout


def test_programs_get_json(tmp_path: Path) -> None:
    """With the same facts."""
    shown = found(tmp_path, TEXT, SOME_KEY="env.SECRET")
    assert [each["name"] for each in shown["upstreams"]] == ["main", "own"]
    assert shown["upstreams"][0]["credentials"] == ["env:SOME_KEY", "file:key"]
    assert shown["upstreams"][0]["timeouts"] == {"connect": 5, "first": 120, "idle": 60, "total": 600}
    assert shown["models"][0]["route"][0] == {
        "upstream": "own",
        "model": "zai-org/GLM-4.6",
        "priority": 1,
        "weight": 1,
    }
    assert shown["secrets"] == ["env:SOME_KEY", "file:key"]


def test_without_a_file_all_is_well(tmp_path: Path) -> None:
    """Nothing has to be set."""
    result = checked(tmp_path, None)
    assert (result.exit_code, "no service is named" in result.stdout) == (0, True)


def test_a_key_in_the_environment_is_shown(tmp_path: Path) -> None:
    """By its variable."""
    (upstream,) = found(tmp_path, None, ZAI_API_KEY="a.SECRET")["upstreams"]
    assert (upstream["name"], upstream["from"], upstream["credentials"]) == ("zai", "environment", ["env:ZAI_API_KEY"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEXT, "SOME_KEY, which is not set"),
        (TEXT.replace("concurrency", "concurency"), "Do you mean concurrency?"),
        (TEXT.replace("env:SOME_KEY", "a.SECRET"), "never the secret itself"),
        ('[[models]]\nname = "x"\nroute = [{ engine = "nobody" }]\n', "which is no local model"),
    ],
)
def test_what_is_wrong_is_told_with_status_1(tmp_path: Path, text: str, told: str) -> None:
    """In one line, without secrets."""
    result = checked(tmp_path, text)
    assert result.exit_code == 1
    assert told in result.stderr
    assert "SECRET" not in result.output


def test_a_file_can_be_named(tmp_path: Path) -> None:
    """As for every command."""
    (tmp_path / "other.toml").write_text("[server]\nport = 99\n")
    result = checked(tmp_path, None, "--config", str(tmp_path / "other.toml"))
    assert "127.0.0.1:99" in result.stdout


def test_a_key_that_no_budget_bounds_is_told(tmp_path: Path) -> None:
    """Exit status 1, with the key, the model and the currency; without a database nothing is looked at."""
    text = """
[[upstreams]]
name = "zai"
profile = "zai"
credentials = ["file:key"]

[[models]]
name = "glm-4.6"

[[prices]]
model = "glm-4.6"
currency = "CNY"
output = 8
"""
    assert found(tmp_path, text)["keys"] == "none"
    made = CliRunner().invoke(
        main, ["keys", "create", "--name", "k", "--budget", "10USD/month", "--home", str(tmp_path)]
    )
    assert made.exit_code == 0, made.output
    result = checked(tmp_path, None)
    assert result.exit_code == 1
    assert "'glm-4.6'" in result.output
    assert "add a budget in CNY" in result.output
    covered = text.replace("CNY", "USD")
    assert found(tmp_path, covered)["keys"] == "covered"
    assert "every budget of money covers" in checked(tmp_path, covered).output


def test_filters_are_shown_and_a_missing_one_is_told(tmp_path: Path) -> None:
    """By name, with those that hold for all; a slip of the pen is found before a start."""
    table = '[[filters]]\nname = "mail"\nkind = "email"\n[filtering]\ndefault = ["{}"]\n'
    assert "Filters    mail; for all: mail" in checked(tmp_path, table.format("mail")).output
    shown = found(tmp_path, table.format("mail"))
    assert (shown["filters"], shown["filters_for_all"]) == (["mail"], ["mail"])
    result = checked(tmp_path, table.format("mial"))
    assert (result.exit_code, "'mial'" in result.output, "mail" in result.output) == (1, True, True)


def test_terms_that_name_a_missing_filter_are_told(tmp_path: Path) -> None:
    """Of keys, projects and the organisation, each by its id; what is over is not looked at."""

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, [*words, "--home", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    key, other = (run("keys", "create", "--name", "k", "--filter", name).split(".")[0] for name in ("mail", "lost-1"))
    run("keys", "revoke", run("keys", "create", "--name", "k", "--filter", "gone").split(".")[0])
    run("projects", "archive", run("projects", "create", "--name", "p", "--filter", "gone"))
    project = run("projects", "create", "--name", "p", "--filter", "lost-2")
    run("organisation", "update", "--filter", "lost-3")
    table = '[[filters]]\nname = "mail"\nkind = "email"\n'
    result = checked(tmp_path, table)
    assert result.exit_code == 1
    for level, name, lost in (("key", other, 1), ("project", project, 2), ("organisation", "default", 3)):
        assert f"the {level} '{name}' names 'lost-{lost}'" in result.stderr
    assert "known are: mail" in result.stderr
    assert key not in result.stderr
    assert "gone" not in result.stderr
    more = "".join(table.replace('"mail"', f'"lost-{number}"') for number in (1, 2, 3))
    assert found(tmp_path, table + more)["keys"] == "covered"


def test_a_look_makes_no_master_key(tmp_path: Path) -> None:
    """A database that has lost it is not looked at, and nothing is made in its place."""
    assert CliRunner().invoke(main, ["keys", "create", "--name", "k", "--home", str(tmp_path)]).exit_code == 0
    (tmp_path / "master.key").unlink()
    assert found(tmp_path, None)["keys"] == "unready"
    assert not (tmp_path / "master.key").exists()


def test_the_secret_of_a_webhook_is_shown_where_it_is(tmp_path: Path) -> None:
    """Beside the others, and never what it is."""
    text = '[[filters]]\nname = "house"\nkind = "webhook"\nurl = "https://h.example"\nsecret = "env:HOOK"\n'
    shown = found(tmp_path, text, HOOK="SECRET")
    assert (shown["secrets"], shown["filter_secrets"]) == (["env:HOOK"], {"house": "env:HOOK"})
    result = checked(tmp_path, text, HOOK="SECRET")
    assert "house: env:HOOK is set" in result.stdout
    assert "SECRET" not in result.stdout
    assert "HOOK, which is not set" in checked(tmp_path, text).stderr


@pytest.mark.parametrize("url", ["http://u:SECRET@host:6379", "redis:host", "redis://host:port"])
def test_a_url_that_is_none_of_redis_is_told(tmp_path: Path, url: str) -> None:
    """As a start tells it; nobody is connected."""
    result = checked(tmp_path, "[storage]\nredis_url = 'env:URL'\n", URL=url)
    assert result.exit_code == 1
    assert "[storage] redis_url" in result.stderr
    assert "SECRET" not in result.output


def test_a_url_of_redis_is_right(tmp_path: Path) -> None:
    """Whether the server is there is not asked."""
    assert found(tmp_path, "[storage]\nredis_url = 'redis://127.0.0.1:1/0'\n")["limits_counted_in"] == "redis"
