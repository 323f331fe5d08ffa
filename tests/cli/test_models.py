"""Tests of `glmgate models` and `glmgate rm`: what is here, what could be, and how it goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from bench import random_model
from glmgate.cli.main import main
from glmgate.weights.catalogue import entries
from glmgate.weights.store import Origin, Store


def listed(home: Path, **environment: str) -> dict[str, Any]:
    """What `models --json` has."""
    result = CliRunner().invoke(main, ["models", "--json", "--home", str(home)], env=environment)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def pulled(home: Path, name: str) -> Path:
    """A model as `pull` leaves it."""
    path = random_model.write(home / "models" / f"{name}.gguf", random_model.TINY)
    origin = Origin(hub="h", repository="a/b", file="f", sha256="0" * 64, bytes=path.stat().st_size, licence="MIT")
    Store(home / "models").note(name, origin)
    return path


def test_a_fresh_machine_has_the_built_in_models(tmp_path: Path) -> None:
    """With what their users have to know, and all that can be pulled; looking makes nothing."""
    found = listed(tmp_path)
    assert [(row["name"], row["kind"], row["source"]) for row in found["here"]] == [
        ("glmgate-tiny", "chat", "built-in"),
        ("all-minilm-l6-v2", "embedding", "built-in"),
    ]
    assert found["here"][1]["remark"] == "English only"
    assert [row["name"] for row in found["catalogue"]] == [entry.name for entry in entries()]
    assert list(tmp_path.iterdir()) == []


def test_a_pulled_model_comes_first_and_can_not_be_pulled_again(tmp_path: Path) -> None:
    """It moves from the one list to the other, with size, context and licence."""
    path = pulled(tmp_path, "glm-4.7-flash")
    found = listed(tmp_path)
    first = found["here"][0]
    assert (first["name"], first["bytes"], first["context"]) == ("glm-4.7-flash", path.stat().st_size, 4096)
    assert (first["remark"], first["misfit"]) == ("licence MIT", None)
    assert "glm-4.7-flash" not in [row["name"] for row in found["catalogue"]]


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    """By the memory that models may use: catalogue entries by their size, files by what they need."""
    pulled(tmp_path, "mine")
    found = listed(tmp_path, GLMGATE_ENGINE_MEMORY_BYTES="136000000")
    assert "--ctx" in found["here"][0]["misfit"]
    assert not any(row["fits"] for row in found["catalogue"])
    assert any(row["fits"] for row in listed(tmp_path, GLMGATE_ENGINE_MEMORY_BYTES="2000000000")["catalogue"])


def test_a_file_that_cannot_be_read_is_listed_as_broken(tmp_path: Path) -> None:
    """Somebody put it there by hand; the others are listed all the same."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "x.gguf").write_bytes(b"x")
    first = listed(tmp_path)["here"][0]
    assert (first["name"], first["kind"], first["remark"]) == ("x", "broken", "put there by hand")


def test_the_tables_are_for_people(tmp_path: Path) -> None:
    """Names, sizes, licences, what came in part, and what was not verified."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f"glm-edge-1.5b-chat.{'0' * 16}.part").write_bytes(b"x" * 5000)
    result = CliRunner().invoke(main, ["models", "--home", str(tmp_path)])
    assert result.exit_code == 0
    assert "English only" in result.stdout
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("glm-edge-1.5b-chat ")]
    assert "931 MB" in row
    assert "glm-4" in row
    assert "5 kB are here, unverified" in row


def test_removing_a_model_frees_its_bytes(tmp_path: Path) -> None:
    """And it can be pulled again; a second time there is nothing to remove."""
    path = pulled(tmp_path, "glm-4.7-flash")
    arguments = ["rm", "GLM-4.7-flash", "--home", str(tmp_path)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert not path.exists()
    assert "glm-4.7-flash" in [row["name"] for row in listed(tmp_path)["catalogue"]]
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, "was pulled" in again.stderr) == (1, True)


ROUTED = """
[[upstreams]]
name = "main"
profile = "zai"
credentials = ["env:NOT_SET_HERE"]

[[models]]
name = "glm-4.6"
aliases = ["gpt-4o"]
route = [{ engine = "glmgate-tiny", priority = 9 }, { upstream = "main" }]
"""


def test_models_of_the_settings_are_listed(tmp_path: Path) -> None:
    """With the places that answer, in their order; no secret has to be there for that."""
    (tmp_path / "glmgate.toml").write_text(ROUTED)
    assert listed(tmp_path)["routed"] == [
        {"name": "glm-4.6", "kind": "chat", "aliases": ["gpt-4o"], "route": ["main/glm-4.6", "glmgate-tiny"]}
    ]
    shown = CliRunner().invoke(main, ["models", "--home", str(tmp_path)]).stdout
    assert shown.splitlines()[:2] == [
        "ROUTED   KIND  ANSWERED BY                 ALSO NAMED",
        "glm-4.6  chat  main/glm-4.6, glmgate-tiny  gpt-4o",
    ]


def test_a_service_in_the_environment_is_told(tmp_path: Path) -> None:
    """It has every GLM name."""
    assert listed(tmp_path, ZAI_API_KEY="a.b")["environment"] == ["zai"]
    shown = CliRunner().invoke(main, ["models", "--home", str(tmp_path)], env={"ZAI_API_KEY": "a.b"}).stdout
    assert shown.startswith("The names of GLM models are routed to zai;")
