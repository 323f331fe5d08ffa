"""The container file, read as text: no builder is needed to see what it promises."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def instructions() -> list[tuple[str, str]]:
    """Every instruction and its text, continued lines joined."""
    text = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    parts = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(word, rest) for word, rest in parts]


def stage(number: int) -> dict[str, list[str]]:
    """The instructions of one stage by their word; the last is what ships."""
    stages: list[dict[str, list[str]]] = []
    for word, rest in instructions():
        if word == "FROM":
            stages.append({})
        if stages:
            stages[-1].setdefault(word, []).append(rest)
    return stages[number]


def test_the_base_is_a_named_version_of_a_slim_python_without_a_host() -> None:
    """No `latest`, and no host: which registry is asked is the machine's setting."""
    arguments = dict(rest.split("=", 1) for word, rest in instructions() if word == "ARG")
    assert re.fullmatch(r"python:3\.1[1-3](\.\d+)?-slim-\w+", arguments["PYTHON"])
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert bases == ["${PYTHON}", "${PYTHON}"]


def test_what_ships_does_not_run_as_root() -> None:
    """The user is a number, so that an orchestrator can check that it is not 0."""
    assert stage(-1)["USER"] == ["10001"]


def test_dependencies_come_from_the_locks_and_the_wheel_alone_from_the_source() -> None:
    """Every pip that may fetch insists on hashes; the wheel is installed without an index."""
    installs = re.findall(r"pip install ([^&]+)", " ".join(stage(0)["RUN"]))
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    assert not any("pip install" in run for run in stage(-1)["RUN"])
    assert stage(-1)["COPY"] == ["--from=build /opt/glmgate /opt/glmgate"]


def test_state_is_a_volume_and_the_port_is_the_default_one() -> None:
    """GLMGATE_HOME is the volume, 8000 is exposed and served to the outside of the container."""
    last = stage(-1)
    assert "GLMGATE_HOME=/var/lib/glmgate" in last["ENV"][0]
    assert last["VOLUME"] == ["/var/lib/glmgate"]
    assert last["EXPOSE"] == ["8000"]
    assert json.loads(last["ENTRYPOINT"][0]) == ["glmgate"]
    assert json.loads(last["CMD"][0]) == ["serve", "--host", "0.0.0.0", "--port", "8000"]


def test_health_is_asked_by_python_that_parses() -> None:
    """The image has no curl; the program in the check is valid and asks /readyz."""
    command = json.loads(stage(-1)["HEALTHCHECK"][0].partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    ast.parse(command[2])
    assert "http://127.0.0.1:8000/readyz" in command[2]


@pytest.mark.parametrize("path", ["LICENSE", "README.md", "pyproject.toml", "requirements/runtime.txt", "src"])
def test_what_is_copied_exists_and_is_let_through_to_the_builder(path: str) -> None:
    """.dockerignore lets nothing through but what is copied."""
    copied = " ".join(stage(0)["COPY"]).split()
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert path in copied
    assert path in allowed
    assert (ROOT / path).exists()
