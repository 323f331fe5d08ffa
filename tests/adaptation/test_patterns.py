"""Patterns of strangers: linear ones of bounded size pass, others are told why not."""

from __future__ import annotations

import pytest

from glmgate.adaptation.patterns import objection


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{4}-\d{2}-\d{2}$",
        r"[a-z]{1,63}(\.[a-z]{1,63}){1,10}",
        r"(?:a|b)*",
        r"(?P<year>\d+)",
        r"(?i:abc)",
        r"\\1",
        r"[\1(?=]",
        r"\(\?=",
        r"[^\]]+",
        r"\p{L}+",
        "你好*",
        "",
    ],
)
def test_linear_patterns_pass(pattern: str) -> None:
    """What looks like lookaround inside a class or behind a backslash is none."""
    assert objection(pattern, longest=512, repeat=1000) is None


@pytest.mark.parametrize("pattern", [r"a(?=b)", r"(?!x)y", r"(?<=a)b", r"(?<!a)b", r"((?=a)*)*"])
def test_lookaround_is_refused(pattern: str) -> None:
    """No automaton of bounded size does it."""
    assert "lookahead" in (objection(pattern, longest=512, repeat=1000) or "")


@pytest.mark.parametrize("pattern", [r"(a)\1", r"(?P<x>a)(?P=x)", r"(?<x>a)\k<x>", r"(a)(?(1)b|c)", r"(?R)", r"(?>a+)"])
def test_backreferences_are_refused(pattern: str) -> None:
    """They make matching exponential."""
    assert "backreferences" in (objection(pattern, longest=512, repeat=1000) or "")


@pytest.mark.parametrize(
    "pattern", ["a{1001}", "a{0,100000}", "(((a{1000}){1000}){1000}){1000}", "a{" + "9" * 400 + "}"]
)
def test_large_repetitions_are_refused(pattern: str) -> None:
    """Their automata are as large as their numbers multiplied."""
    assert "repetition" in (objection(pattern, longest=512, repeat=1000) or "")


def test_long_patterns_are_refused() -> None:
    """The length is bounded first."""
    assert "513 characters" in (objection("a" * 513, longest=512, repeat=1000) or "")
