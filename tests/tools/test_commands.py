"""The commands of the Makefile, and what CI runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMISED = ["bench", "build", "check", "cov", "docs", "fast", "fix", "help", "model", "serve", "setup", "test"]


def make(*arguments: str) -> str:
    """What make prints for the arguments."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_lists_every_promised_command_with_a_comment() -> None:
    """Each line is `make NAME  what it does`."""
    lines = make("help").splitlines()
    listed = {match[1] for line in lines if (match := re.fullmatch(r"make ([\w-]+) +\S.*", line))}
    assert listed >= set(PROMISED)
    assert len(listed) == len(lines)


def test_help_is_what_make_alone_prints() -> None:
    """Who knows nothing types `make`."""
    assert make() == make("help")


def test_serve_sets_up_and_passes_port_and_arguments_on() -> None:
    """PORT= and ARGS= reach `glmgate serve`."""
    lines = make("--dry-run", "serve", "PORT=9000", "ARGS=--no-auth").splitlines()
    assert "tools/environments.py program" in lines[0]
    assert lines[1].endswith(".venv/bin/glmgate serve --port 9000 --no-auth")


def test_serve_leaves_the_port_to_the_settings() -> None:
    """A flag would win over GLMGATE_SERVER_PORT and the settings file."""
    assert "--port" not in make("--dry-run", "serve", "PORT=")


def test_ci_runs_check_and_test_and_stops_at_the_first_failure(tmp_path: Path) -> None:
    """With a make that fails at `check`, CI fails and `test` is not started."""
    said = tmp_path / "said"
    for name, text in {"make": f'echo "$1" >> {said}\ntest "$1" != "$FAILS"', "npm": "true"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for fails, status, ran in (("nothing", 0, "check\ntest\n"), ("check", 1, "check\n"), ("test", 1, "check\ntest\n")):
        said.unlink(missing_ok=True)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAILS": fails}
        done = subprocess.run([shutil.which("bash") or "bash", ".ci/run"], cwd=ROOT, env=environment, check=False)
        assert (bool(done.returncode), said.read_text(encoding="utf-8")) == (bool(status), ran)
