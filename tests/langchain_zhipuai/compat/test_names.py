"""The names that the shim provides, and takes away again."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import langchain.agents
import langchain.tools
import pytest

from langchain_zhipuai import compat, hub
from langchain_zhipuai.compat.names import Names


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """No test leaves a name behind."""
    compat.uninstall()
    yield
    compat.uninstall()


def names_there() -> list[bool]:
    """Which of the names can be imported."""
    return [
        "langchain.hub" in sys.modules,
        "langchain.tools.shell" in sys.modules,
        hasattr(langchain.agents, "tool"),
        hasattr(langchain, "hub"),
        hasattr(langchain.tools, "shell"),
    ]


def test_installed_and_uninstalled() -> None:
    """Twice is once, in both directions."""
    assert names_there() == [False] * 5
    compat.install()
    compat.install()
    assert names_there() == [True] * 5
    compat.uninstall()
    compat.uninstall()
    assert names_there() == [False] * 5


def test_the_names_are_ours() -> None:
    """Each way to import them."""
    compat.install()
    assert importlib.import_module("langchain.hub").pull is hub.pull
    assert importlib.import_module("langchain.tools.shell").ShellTool is compat.ShellTool
    assert langchain.agents.tool is compat.tool  # type: ignore[attr-defined] # the shim's
    assert langchain.agents.create_agent.__module__.startswith("langchain.")


def test_what_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A LangChain that has a name keeps its own, also when the shim goes."""
    theirs = ModuleType("langchain.hub")
    monkeypatch.setitem(sys.modules, "langchain.hub", theirs)
    monkeypatch.setattr(langchain.agents, "tool", "theirs", raising=False)
    compat.install()
    compat.uninstall()
    assert sys.modules["langchain.hub"] is theirs
    assert langchain.agents.tool == "theirs"  # type: ignore[attr-defined] # the test's


def test_a_module_on_disk_stays() -> None:
    """It need not have been imported before."""
    names = Names()
    names.module("json.tool", main=None)
    assert importlib.import_module("json.tool").main is not None
    names.remove()


def test_what_another_has_put_there_since_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is still ours is taken away."""
    compat.install()
    monkeypatch.setattr(langchain.agents, "tool", "theirs")
    compat.uninstall()
    assert langchain.agents.tool == "theirs"  # type: ignore[attr-defined] # the test's


def test_importing_the_shim_is_enough() -> None:
    """The seed's first lines, in an interpreter of their own."""
    program = (
        "import langchain_zhipuai.compat\n"
        "from langchain.agents import tool\n"
        "from langchain.tools.shell import ShellTool\n"
        "from langchain import hub\n"
        "print(tool.__module__, ShellTool.__module__, hub.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.split() == ["langchain_zhipuai.compat.tools", "langchain_zhipuai.compat.shell", "langchain.hub"]
