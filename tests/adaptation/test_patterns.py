"""Patterns of strangers: linear ones of bounded size pass, others are told why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.patterns import nesting, objection


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
        r"[\u0000-\uffff\]-a+--]{2,2}",
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


@pytest.mark.parametrize("pattern", ["a{3,1}", "(ab){2,0}", "[z-a]", r"[^\]z-a]", "[a-z9-0]"])
def test_what_ends_before_it_begins_is_refused(pattern: str) -> None:
    """The engine would take all memory for the count, and fails at the range."""
    assert "ends before" in (objection(pattern, longest=512, repeat=1000) or "")


@pytest.mark.parametrize(
    "pattern", ["a{1001}", "a{0,100000}", "(((a{1000}){1000}){1000}){1000}", "a{" + "9" * 400 + "}"]
)
def test_large_repetitions_are_refused(pattern: str) -> None:
    """Their automata are as large as their numbers multiplied."""
    assert "repetition" in (objection(pattern, longest=512, repeat=1000) or "")


@pytest.mark.parametrize(
    "pattern",
    [
        "([a-z]{1,30}){1,30}",
        r"[a-z]{1,63}(\.[a-z]{1,63}){1,10}",
        "((a+)+)+",
        "(((a*)*)*)*",
        "(a?){1,10}",
        "(abc|d){1,1000}",
        "((ab){3}c{2})+",
    ],
)
def test_small_repetitions_inside_others_pass(pattern: str) -> None:
    """Those that the engine's matcher takes a few milliseconds for."""
    assert objection(pattern, longest=512, repeat=1000) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "([a-z]{1,100}){1,100}",
        "(a?){1,200}",
        "(a{0,10}){1,99}",
        "([a-z]*){1,100}",
        "(|a+){1,99}",
        "(a?a?a?){1,33}",
        "(?:(?:a{1,9}){1,9}){1,99}",
        "(a?){1,20}" * 10,
        "((a+)?){40,}",
    ],
)
def test_large_repetitions_inside_others_are_refused(pattern: str) -> None:
    """These hold the engine up for seconds and more (measured)."""
    assert "inside repetitions" in (objection(pattern, longest=512, repeat=1000) or "")


@pytest.mark.parametrize(
    ("pattern", "cost"),
    [
        ("a{9}", 0),
        ("(a){9}", 0),
        ("(a{9})", 0),
        ("(a{2}b){3}", 6),
        ("(a{2}){3}?(b{4}){5}+", 26),
        ("(a|b?){3}", 90),
        ("(?P<x>a+){2}", 60),
    ],
)
def test_the_cost_is_the_product_of_the_counts(pattern: str, cost: int) -> None:
    """Of those inside others; one that may match nothing counts twice."""
    assert nesting(pattern) == cost


@given(st.text(alphabet="ab(){}|*+?[]\\^$.,:<>=!P0123456789-", max_size=40))
def test_any_text_is_judged(pattern: str) -> None:
    """Broken patterns are the engine's matter, but they are read without a fault."""
    assert isinstance(objection(pattern, longest=512, repeat=1000), str | None)


def test_long_patterns_are_refused() -> None:
    """The length is bounded first."""
    assert "513 characters" in (objection("a" * 513, longest=512, repeat=1000) or "")
