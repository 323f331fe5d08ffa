"""Characters that nobody sees, and patterns that look for them."""

from __future__ import annotations

import re
import unicodedata

import pytest

from glmgate.policy.filters.expressions import Expressions
from glmgate.policy.filters.invisible import INVISIBLE, may_mean
from glmgate.policy.filters.kinds import KINDS
from tests.policy.filters.making import masked, regex


def test_none_of_them_is_a_letter_or_a_blank() -> None:
    """Nor anything else that takes a place."""
    sign = re.compile(f"[{INVISIBLE}]")
    kinds = {unicodedata.category(chr(code)) for code in range(0x110000) if sign.match(chr(code))}
    assert kinds == {"Cf", "Cn", "Mn"}
    assert all(sign.match(each) for each in "\u200b\u200c\u200d\u2060\ufeff\u00ad")


@pytest.mark.parametrize("pattern", [r"\x{200B}", r"\p{Cf}", r"\pC", r"\PL", r"\p{^L}", "a\u200db", r"\x41", r"\p{Mn}"])
def test_a_pattern_that_may_mean_them_is_shown_them(pattern: str) -> None:
    """As far as its words tell."""
    assert may_mean(pattern)
    assert not Expressions([r"ab", pattern]).sees_through


@pytest.mark.parametrize("pattern", [r"\bTCK-\d{6}\b", r"\p{Han}+", r"[^a]b", "x", r"\pL", r"p{C}"])
def test_others_see_through_them(pattern: str) -> None:
    """Those that we have as well."""
    assert not may_mean(pattern)
    assert Expressions([pattern]).sees_through
    assert not any(map(may_mean, (each for kind in KINDS.values() for each in kind.patterns)))


def test_both_are_found() -> None:
    """The hidden ticket, and the hidden sign."""
    assert masked(regex(r"TCK-\d{3}"), "TC\u200bK-1\u00ad23!") == "[x]!"
    assert masked(regex(r"[\x{200B}-\x{200D}]+"), "a\u200b\u200db") == "a[x]b"
