"""Programs are run as Python runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from langchain import hub
import beside
print(json.dumps([__name__, sys.argv, sys.path[0], beside.VALUE, __file__]))
"""


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What came of the command."""
    command = [sys.executable, "-m", "langchain_zhipuai.compat", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_as_main_with_arguments_and_its_own_folder(tmp_path: Path) -> None:
    """It finds the modules beside it, whatever folder it is called from."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "beside.py").write_text("VALUE = 7\n")
    (folder / "seed.py").write_text(PROGRAM)
    done = run("run", "program/seed.py", "--flag", "-x", "word", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f'["__main__", ["program/seed.py", "--flag", "-x", "word"], "{folder}", 7, "program/seed.py"]\n'
    )


@pytest.mark.parametrize("missing", ["nowhere.py", "."])
def test_a_missing_file(tmp_path: Path, missing: str) -> None:
    """It is said, without a traceback."""
    done = run("run", missing, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"there is no file {missing!r}")
    assert "Traceback" not in done.stderr


def test_a_file_that_the_program_misses_is_the_programs_affair(tmp_path: Path) -> None:
    """Its own traceback, and its own exit status."""
    (tmp_path / "seed.py").write_text("open('nowhere.txt')\n")
    done = run("run", "seed.py", folder=tmp_path)
    assert done.returncode == 1
    assert "FileNotFoundError" in done.stderr
    (tmp_path / "seed.py").write_text("raise SystemExit(5)\n")
    assert run("run", "seed.py", folder=tmp_path).returncode == 5


@pytest.mark.parametrize("arguments", [(), ("walk",), ("run",)])
def test_a_command_that_is_none(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """How it is called is said."""
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "usage: python -m langchain_zhipuai.compat" in done.stderr
