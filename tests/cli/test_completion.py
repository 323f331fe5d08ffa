"""Tests of completion: asked as the shells ask, and in a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from glmgate.cli.main import COMMANDS, main


def asked(shell: str, *words: str) -> str:
    """What the program answers to a shell at whose prompt these words stand, the last one unfinished."""
    environment = {
        **os.environ,
        "_GLMGATE_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(["glmgate", *words]),
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words)),
    }
    code = "from glmgate.cli.main import main; main(prog_name='glmgate')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_the_commands_and_their_options(shell: str) -> None:
    """Names at first, then what the command itself knows."""
    assert set(COMMANDS) <= set(asked(shell, "").replace(",", "\n").split())
    assert "--base-url" in asked(shell, "chat", "--b")
    assert "rotate" in asked(shell, "keys", "ro")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(shell: str) -> None:
    """With the name of the program and the variable by which it asks."""
    said = CliRunner().invoke(main, ["completion", shell])
    assert said.exit_code == 0
    assert "_GLMGATE_COMPLETE" in said.stdout


def test_another_shell_is_a_mistake_in_the_use() -> None:
    """With those there are."""
    said = CliRunner().invoke(main, ["completion", "tcsh"])
    assert said.exit_code == 2
    assert "fish" in said.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_real_bash_completes() -> None:
    """The script is sourced, and its function finds the rest of a word."""
    script = [
        "source <(glmgate completion bash)",
        "COMP_WORDS=(glmgate comp) COMP_CWORD=1 COMPREPLY=()",
        "_glmgate_completion glmgate",
        'echo "${COMPREPLY[@]}"',
    ]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "completion", done.stderr
