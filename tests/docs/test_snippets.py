"""What can be run on the pages is run: programs against a real server.

Printed settings are read by the program's reader, printed commands by its parser.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from glmgate.cli.main import main as program
from glmgate.settings import load
from tests.clients.environments import environment, node_folder
from tests.clients.running import TIME_OUT_S
from tests.docs.pages import ROOT, Fence, fences
from tests.stories.served import Served, administrator

PLACEHOLDER: Final = "your-glmgate-key"
ADMINISTRATOR: Final = "your-admin-key"
PRINTED: Final = "http://127.0.0.1:8000"
OTHER_CLIENTS: Final = {"from zai ": "zai", "from zhipuai ": "zhipuai"}
"""The imports that need an environment of their own; everything else runs in the one of the tests."""


def programs() -> Iterator[object]:
    """Every Python program; those of the GLM SDKs need their environments."""
    for fence in fences("python"):
        other = any(mark in fence.text for mark in OTHER_CLIENTS)
        yield pytest.param(fence, id=fence.name, marks=[pytest.mark.clients] if other else [])


def calls() -> Iterator[object]:
    """Every call with curl."""
    for fence in fences("sh"):
        if fence.text.startswith("curl "):
            yield pytest.param(fence, id=fence.name)


def commands() -> Iterator[object]:
    """Every line that calls the program or make."""
    for fence in fences("sh"):
        for line in fence.text.splitlines():
            call = line.strip().removeprefix(".venv/bin/")
            if call.startswith(("glmgate ", "make ")):
                yield pytest.param(call, id=f"{fence.name} {call}")


def filled(text: str, served: Served) -> str:
    """A snippet with the server's keys and address in place of the printed ones."""
    if ADMINISTRATOR in text:
        text = text.replace(ADMINISTRATOR, administrator(served))
    return text.replace(PLACEHOLDER, served.key).replace(PRINTED, served.base(""))


def run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """What came of a program."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIME_OUT_S, check=False)


def interpreter(text: str) -> Path:
    """The Python that has the client which a snippet imports."""
    if "from zai " in text:
        return environment("zai")
    return environment("zhipuai") if "from zhipuai " in text else Path(sys.executable)


@pytest.mark.engine
@pytest.mark.parametrize("fence", list(programs()))
def test_python_runs(fence: Fence, served: Served, tmp_path: Path) -> None:
    """A program ends well and prints something; where the page shows its output, exactly that."""
    (tmp_path / "snippet.py").write_text(filled(fence.text, served), encoding="utf-8")
    done = run([interpreter(fence.text), "snippet.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if fence.output is not None:
        assert done.stdout == fence.output


@pytest.mark.engine
@pytest.mark.clients
@pytest.mark.parametrize("fence", [pytest.param(fence, id=fence.name) for fence in fences("js")])
def test_javascript_runs(fence: Fence, served: Served, tmp_path: Path) -> None:
    """A program ends well and prints something."""
    (tmp_path / "node_modules").symlink_to(node_folder() / "node_modules")
    (tmp_path / "snippet.mjs").write_text(filled(fence.text, served), encoding="utf-8")
    done = run(["node", "snippet.mjs"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.engine
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not among what `make test` needs")
@pytest.mark.parametrize("fence", list(calls()))
def test_curl_runs(fence: Fence, served: Served, tmp_path: Path) -> None:
    """A call is answered 200, a stream to its end."""
    done = run(
        ["sh", "-ec", filled(fence.text, served).replace("curl ", "curl --fail --silent --show-error ")], tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("{", "data: "))
    assert done.stdout.startswith("{") or done.stdout.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("fence", [pytest.param(fence, id=fence.name) for fence in fences("toml")])
def test_settings_are_settings(fence: Fence, tmp_path: Path) -> None:
    """Every printed settings file is taken."""
    file = tmp_path / "printed.toml"
    file.write_text(fence.text, encoding="utf-8")
    variables = dict.fromkeys(re.findall(r"env:([A-Z0-9_]+)", fence.text), "m" * 40)
    assert load(environment=variables, home=tmp_path, config=file).file == file


@pytest.mark.parametrize("call", list(commands()))
def test_commands_exist(call: str) -> None:
    """Every printed command is one: its name, its flags, its arguments; for make, its target."""
    name, *words = shlex.split(call)
    if name == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert words[0] in targets
        return
    command: click.Command = program
    context = program.make_context("glmgate", [], resilient_parsing=True)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    # Below the program's context, as it is called: a command keeps the names of its help option from the first time.
    command.make_context(call, words, context)


def test_the_pages_have_programs_for_every_client() -> None:
    """Nothing that is promised to be run was lost by a change of the pages' form."""
    texts = [fence.text for fence in fences("python", "js", "sh")]
    for mark in ("from openai import", "from zai import", "from zhipuai import", 'from "openai"', "curl "):
        assert any(mark in text for text in texts), mark
