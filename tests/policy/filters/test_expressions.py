"""Patterns: what they find, what they wait for, and which are refused."""

from __future__ import annotations

import time

import pytest

from glmgate.errors import SettingsError
from glmgate.policy.filters.expressions import Expressions
from tests.policy.filters.making import found


def test_all_patterns_are_looked_for_at_once() -> None:
    """The first in the list comes first where several begin."""
    finder = Expressions([r"a\d", r"[a-z]+\d+"])
    assert found(finder, "x12 a12 法b3") == ["x12", "a1", "b3"]


@pytest.mark.parametrize(
    ("text", "pending"),
    [("hello", 5), ("ab c", 3), ("ab cx", 3), ("ccx12", 1), ("法cx9", 1), ("cx9 法", 5), ("", 0)],
)
def test_where_a_match_may_have_begun(text: str, pending: int) -> None:
    """From there on a text has to wait; else it need not."""
    assert Expressions([r"cx\d+y", r"c\b"]).pending(text, 0) == pending


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a(", "missing"),
        ("(?=a)b", "perl operator"),
        (r"(a)\1", "escape"),
        ("a*", "matches nothing"),
        (r"\b", "matches nothing"),
        ("(((a{100}){100}){100})", "repetition"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str, says: str) -> None:
    """With the engine's own words, and nothing on standard error."""
    with pytest.raises(SettingsError, match=says):
        Expressions([pattern])


def test_nothing_is_written_about_a_wrong_pattern(capfd: pytest.CaptureFixture[str]) -> None:
    """The library would tell standard error by itself."""
    with pytest.raises(SettingsError):
        Expressions(["a("])
    assert capfd.readouterr().err == ""


def test_what_other_engines_take_for_ever_takes_no_time() -> None:
    """Linear in the length of the text: the classic that needs 2^30 steps elsewhere."""
    finder = Expressions([r"(a+)+$", r"(a|aa)+b"])
    text = "a" * 20_000 + "!"
    began = time.process_time()
    assert finder.find(text, 0) is None
    assert finder.pending(text, 0) == len(text)
    assert time.process_time() - began < 1
