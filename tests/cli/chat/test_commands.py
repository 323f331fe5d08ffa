"""Tests of what a typed line means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.commands import COMMANDS, Mistake, Order, Say, Typed, help_text, typed


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", None),
        ("   ", None),
        ("Hello!", Say("Hello!")),
        (" /etc/passwd: what is it?", Say("/etc/passwd: what is it?")),
        ("/model glm-4.6", Order("model", "glm-4.6")),
        ("/model", Order("model")),
        ("/system You are  a poet.", Order("system", "You are  a poet.")),
        ("/think on", Order("think", "on")),
        ("/think hide", Order("think", "hide")),
        ("/tools off", Order("tools", "off")),
        ("/save my file.json ", Order("save", "my file.json")),
        ("/quit", Order("quit")),
    ],
)
def test_a_line_is_a_question_or_a_command(line: str, meant: Typed) -> None:
    """Commands begin with a slash at once, their argument is the rest of the line."""
    assert typed(line) == meant


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/sav x", "/save"),
        ("/etc/passwd", "blank"),
        ("/think", "/think on|off|show|hide"),
        ("/think maybe", "/think on|off|show|hide"),
        ("/save", "/save FILE"),
        ("/clear all", "nothing after"),
    ],
)
def test_a_mistake_is_told_with_what_to_type(line: str, told: str) -> None:
    """Nothing that looks like a command is sent to the model by accident."""
    meant = typed(line)
    assert isinstance(meant, Mistake)
    assert told in meant.message


@given(st.text())
def test_every_line_means_something(line: str) -> None:
    """No line is an exception."""
    assert isinstance(typed(line), Say | Order | Mistake | None)


def test_help_has_every_command() -> None:
    """With how it is typed."""
    assert all(f"/{name}" in help_text() for name in COMMANDS)
