"""The tool that runs commands."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from langchain_zhipuai.compat import ShellTool

WARNING = "without any safeguard"


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("echo a", "a\n"),
        ({"commands": "echo a"}, "a\n"),
        ({"commands": ["x=1", "echo $x", "echo b"]}, "1\nb\n"),
        ("echo out; echo err >&2", "out\nerr\n"),
        ("true", ""),
        ("echo a; exit 3", "a\n\n(exit status 3)"),
        ("cat", ""),
        ("echo 你好", "你好\n"),
    ],
)
def test_commands_are_run(given: Any, printed: str) -> None:
    """One or several, as a text or by name; standard error is shown, and standard input is empty."""
    with pytest.warns(UserWarning, match=WARNING):
        assert ShellTool().run(tool_input=given) == printed


async def test_asynchronous_agents_run_it_too() -> None:
    """In a thread."""
    with pytest.warns(UserWarning, match=WARNING):
        assert await ShellTool().arun("echo a") == "a\n"


def test_it_warns_once(recwarn: pytest.WarningsRecorder) -> None:
    """At the first use, not when it is made."""
    shell = ShellTool()
    assert not recwarn.list
    with pytest.warns(UserWarning, match="ask_human_input=True"):
        shell.run("true")
    shell.run("true")
    assert not recwarn.list


@pytest.mark.parametrize(("answer", "ran"), [("y", True), (" Yes ", True), ("n", False), ("", False)])
def test_it_asks_first(answer: str, ran: bool) -> None:
    """Where it was told to; only a yes is one."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return answer

    with pytest.warns(UserWarning, match=WARNING):
        said = ShellTool(ask_human_input=True, ask=ask).run({"commands": ["echo a", "echo b"]})
    assert (said == "a\nb\n") is ran
    assert ran or "nothing was run" in said
    assert "echo a\necho b" in asked[0]


def test_time_is_bounded() -> None:
    """A command that waits for ever would hold the agent for ever."""
    began = time.monotonic()
    with pytest.warns(UserWarning, match=WARNING):
        assert ShellTool(timeout_s=0.5).run("echo a; sleep 60; true") == "a\n\n(stopped after 0.5 s)"
    assert time.monotonic() - began < 20


def test_what_runs_in_the_background_is_not_waited_for() -> None:
    """A server that a command starts may go on."""
    began = time.monotonic()
    with pytest.warns(UserWarning, match=WARNING):
        pid = int(ShellTool().run("sleep 60 & echo $!"))
    assert time.monotonic() - began < 20
    os.kill(pid, signal.SIGKILL)


def test_its_schema_is_one_argument() -> None:
    """By the name that the original has."""
    assert list(ShellTool().args) == ["commands"]
    assert ShellTool().name == "terminal"
