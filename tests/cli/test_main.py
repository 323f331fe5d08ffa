"""Tests of the program as a whole: its commands, its help, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from glmgate import __version__
from glmgate.cli.main import COMMANDS, main


def test_help_lists_every_command_with_a_sentence() -> None:
    """Who knows nothing types --help."""
    said = CliRunner().invoke(main, ["--help"]).stdout
    listed = [line.split(maxsplit=1) for line in said.partition("Commands:")[2].strip().splitlines()]
    assert [name for name, _ in listed] == list(COMMANDS)
    assert all(sentence.endswith(".") for _, sentence in listed)


@pytest.mark.parametrize("arguments", [("--version",), ("version",)])
def test_the_version_is_told(arguments: tuple[str, ...]) -> None:
    """As an option and as a command."""
    assert __version__ in CliRunner().invoke(main, arguments).stdout


def test_an_unknown_command_is_a_mistake_in_the_use() -> None:
    """Status 2, with the word."""
    result = CliRunner().invoke(main, ["sevre"])
    assert result.exit_code == 2
    assert "sevre" in result.stderr


def test_python_m_glmgate_is_the_program() -> None:
    """The package can be run where no script was installed."""
    done = subprocess.run([sys.executable, "-m", "glmgate", "--version"], capture_output=True, text=True, check=True)
    assert __version__ in done.stdout


def test_a_command_loads_only_what_it_needs() -> None:
    """`glmgate version` waits neither for the database's libraries nor for the server's."""
    code = (
        "import sys; from glmgate.cli.main import main; main(['version'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "uvicorn", "aiohttp", "structlog"} & set(done.stdout.split())
