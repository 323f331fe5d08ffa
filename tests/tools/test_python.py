"""Which interpreter `tools/python.sh` chooses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "python.sh"
SH = shutil.which("sh") or "/bin/sh"


def choose(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script where only the programs of `folder` exist."""
    return subprocess.run(
        [SH, SCRIPT, *arguments], cwd=folder, env={"PATH": str(folder)}, capture_output=True, text=True, check=False
    )


def good(path: Path) -> None:
    """Put an interpreter there that fits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(sys.executable)


def bad(path: Path) -> None:
    """Put a program there that ends like a Python that is too old."""
    path.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    path.chmod(0o755)


def test_the_newest_that_fits_is_taken(tmp_path: Path) -> None:
    """One that does not run or is too old is passed over."""
    bad(tmp_path / "python3.13")
    good(tmp_path / "python3.12")
    good(tmp_path / "python3")
    assert choose(tmp_path).stdout.strip() == str(tmp_path / "python3.12")


def test_that_of_the_environment_comes_first(tmp_path: Path) -> None:
    """An existing .venv is not switched to another Python unasked."""
    good(tmp_path / "python3.13")
    good(tmp_path / ".venv" / "bin" / "python")
    assert choose(tmp_path).stdout.strip() == ".venv/bin/python"


def test_the_one_asked_for_comes_before_all(tmp_path: Path) -> None:
    """PYTHON= decides."""
    good(tmp_path / ".venv" / "bin" / "python")
    good(tmp_path / "mine")
    assert choose(tmp_path, "mine").stdout.strip() == str(tmp_path / "mine")


def test_one_asked_for_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    """It is named, and no other is taken in its place."""
    bad(tmp_path / "old")
    good(tmp_path / "python3")
    done = choose(tmp_path, "old")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PYTHON='old' does not run or is older than 3.11" in done.stderr


def test_none_at_all_is_an_error_that_says_what_was_tried(tmp_path: Path) -> None:
    """And what to do."""
    done = choose(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "tried python3.13, python3.12, python3.11, python3" in done.stderr
    assert "make setup PYTHON=" in done.stderr
