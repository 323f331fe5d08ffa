"""Runs scripts and snippets with a client's interpreter, and reads the reports of scripts.

What a client does is in `scripts/`, what it must give is in the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.clients.environments import ROOT, Name, environment, node_folder

SCRIPTS: Final = "tests.clients.scripts"
TIME_OUT_S: Final = 110
"""Below the limit of a test, so that what a script said until then is shown."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the stories of one script gave or raised."""

    stories: Mapping[str, dict[str, Any]]

    def gave(self, name: str) -> Any:
        """What the story gave; fails when it raised."""
        story = self.stories[name]
        assert "gave" in story, f"{name!r} raised {story['raised']}"
        return story["gave"]

    def raised(self, name: str) -> dict[str, Any]:
        """The exception that the story ended with; fails when there was none."""
        story = self.stories[name]
        assert "raised" in story, f"{name!r} gave {story['gave']}"
        raised: dict[str, Any] = story["raised"]
        return raised

    def seconds(self, name: str) -> float:
        """How long the story took."""
        return float(self.stories[name]["seconds"])


def run_script(client: Name, script: str, *arguments: str) -> Report:
    """Run a script of `scripts/` with a client's interpreter."""
    done = _run([environment(client), "-m", f"{SCRIPTS}.{script}", *arguments], ROOT)
    assert done.returncode == 0, done.stderr[-4000:]
    return Report(json.loads(done.stdout))


def run_node(script: str, *arguments: str) -> Report:
    """Run a script of `node/`."""
    done = _run(["node", script, *arguments], node_folder())
    assert done.returncode == 0, done.stderr[-4000:]
    return Report(json.loads(done.stdout))


def run_file(client: Name, file: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a file with a client's interpreter, from the file's own folder."""
    return _run([environment(client), file], file.parent, variables)


@dataclass(slots=True)
class Running:
    """A script under way, which is told to go on and waited for."""

    process: subprocess.Popen[str]

    def hear(self) -> str:
        """The next line of its standard output; waits for it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, word: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def report(self) -> Report:
        """Its report, once it has ended."""
        output, _ = self.process.communicate(timeout=TIME_OUT_S)
        assert self.process.returncode == 0, output
        return Report(json.loads(output.splitlines()[-1]))


@contextmanager
def running_script(client: Name, script: str, *arguments: str) -> Iterator[Running]:
    """Start a script; it is gone when the context is left."""
    command: list[str | Path] = [environment(client), "-m", f"{SCRIPTS}.{script}", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=_environment({}), stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def _run(
    command: list[str | Path], folder: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=_environment(variables or {}),
        capture_output=True,
        text=True,
        timeout=TIME_OUT_S,
        check=False,
    )


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    # Snippets print characters beyond ASCII; which encoding a terminal has is not what is tested.
    return os.environ | {"PYTHONIOENCODING": "utf-8"} | dict(variables)
