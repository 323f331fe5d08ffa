"""How `tools.environments` makes environments and when it leaves them alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.environments import Environment, SetUpError, client, create, run, unfit, version_of

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_a_record_holds_until_its_source_changes(tmp_path: Path) -> None:
    """What was installed is known by the content of its lock, not by the time."""
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1\n", encoding="utf-8")
    environment = Environment(tmp_path / "env")
    assert not environment.has(lock, "lock")
    environment.note(lock, "lock")
    assert environment.has(lock, "lock")
    lock.write_text("a==2\n", encoding="utf-8")
    assert not environment.has(lock, "lock")


def test_an_environment_of_this_python_is_kept(tmp_path: Path) -> None:
    """Making it a second time changes nothing in it."""
    environment = create(tmp_path / "env", pip=False)
    (tmp_path / "env" / "kept").touch()
    assert create(tmp_path / "env", pip=False) == environment
    assert (tmp_path / "env" / "kept").exists()
    assert version_of(environment.python) == HERE


def test_an_environment_of_another_python_is_made_anew(tmp_path: Path) -> None:
    """`make setup PYTHON=…` replaces `.venv`, with what was noted in it."""
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 3.10\n", encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / "env" / ".from").mkdir()
    environment = create(tmp_path / "env", pip=False)
    assert version_of(environment.python) == HERE
    assert not (tmp_path / "env" / ".from").exists()


def test_no_python_has_no_version(tmp_path: Path) -> None:
    """A link to an interpreter that was uninstalled counts as none."""
    (tmp_path / "python").symlink_to(tmp_path / "gone")
    assert version_of(tmp_path / "python") is None


def test_a_client_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second time nothing is installed and nothing is said."""
    lock = tmp_path / "some.txt"
    lock.write_text("# nothing\n", encoding="utf-8")
    client(lock, tmp_path / "some")
    assert "some.txt" in capsys.readouterr().err
    client(lock, tmp_path / "some")
    assert capsys.readouterr().err == ""
    done = subprocess.run([tmp_path / "some" / "bin" / "python", "-c", "import sys"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("bound", "version", "why"),
    [
        ("3.12", (3, 11), None),
        ("3.12", (3, 12), "some needs a Python below 3.12, and this one is 3.12"),
        ("3.9", (3, 10), "some needs a Python below 3.9, and this one is 3.10"),
        (None, (3, 13), None),
    ],
)
def test_a_client_may_be_bounded(tmp_path: Path, bound: str | None, version: tuple[int, int], why: str | None) -> None:
    """By a line of the file that its lock is made from; versions are numbers, not texts."""
    text = "some==1\n" if bound is None else f"# Why it is so.\n# python < {bound}\nsome==1\n"
    (tmp_path / "some.in").write_text(text, encoding="utf-8")
    assert unfit(tmp_path / "some.txt", version) == why


def test_a_client_that_is_not_for_this_python_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, and nothing is tried."""
    (tmp_path / "some.in").write_text("# python < 3.0\n", encoding="utf-8")
    client(tmp_path / "some.txt", tmp_path / "some")
    assert "some needs a Python below 3.0" in capsys.readouterr().err
    assert not (tmp_path / "some").exists()


def test_a_failed_install_is_not_noted(tmp_path: Path) -> None:
    """A lock without a hash is refused, and the next run tries again."""
    lock = tmp_path / "some.txt"
    lock.write_text("nothing==1.0\n", encoding="utf-8")
    with pytest.raises(SetUpError, match=r"(?i)hash"):
        client(lock, tmp_path / "some")
    assert not Environment(tmp_path / "some").has(lock, "lock")


def test_a_failed_command_is_shown_with_its_output() -> None:
    """The message holds the command, its status and what it said."""
    with pytest.raises(SetUpError, match=r"(?s)ended with 3:.*no room"):
        run([sys.executable, "-c", "import sys; print('no room'); sys.exit(3)"])
