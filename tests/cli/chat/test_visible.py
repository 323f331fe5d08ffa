"""Tests of what a terminal gets to see of others' text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.visible import one_line, visible


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    """Whatever a model writes, only tabs and line feeds of the control characters reach the terminal."""
    shown = visible(text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t"]
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(st.text())
def test_what_is_shown_can_be_written(text: str) -> None:
    """A lone surrogate does not break the output."""
    visible(text).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b[2J", "␛[2J"),
        ("a\r\nb", "a\nb"),
        ("12\rx", "12␍x"),
        ("\x9b31m", "\ufffd31m"),
        ("\x7f", "␡"),
        ("你好 👋 é\t|", "你好 👋 é\t|"),
    ],
)
def test_tampering_is_seen_and_text_is_kept(text: str, shown: str) -> None:
    """Control characters become pictures, all else stays as it is."""
    assert visible(text) == shown


def test_a_message_is_one_short_line() -> None:
    """A service that answers with a page does not fill the screen."""
    line = one_line("a\n\x1b[2J" + "b " * 1000)
    assert line.startswith("a ␛[2J")
    assert "\n" not in line
    assert len(line) == 300
