"""The pattern of all beginnings: whatever a pattern matches, each beginning of it is matched by the other."""

from __future__ import annotations

import pytest

from glmgate.errors import SettingsError
from glmgate.policy.filters.expressions import compiled, spans
from glmgate.policy.filters.syntax import taken_apart

# A pattern, and texts that it matches from end to end.
CASES = [
    (r"abc", ["abc"]),
    (r"a|bcd|ef", ["a", "bcd", "ef"]),
    (r"(ab)+c?", ["ab", "ababab", "ababc"]),
    (r"a{2,4}b", ["aab", "aaaab"]),
    (r"(?:x\d{3}){1,2}", ["x123", "x123x456"]),
    (r"(?i)KeY=\S+", ["key=1a", "KEY=Z"]),
    (r"a(?i)b|c", ["aB", "C"]),
    (r"(?i:a)b(?-i)c", ["Abc"]),
    (r"(?P<one>a)(?<two>b)", ["ab"]),
    (r"[]a-c^-]+[^\]x]", ["]a-y", "a^"]),
    (r"[[:alpha:]\d]{3}\.", ["a1b."]),
    (r"\p{Han}+\pL\x41\x{4e2d}\101", ["汉字éA中A"]),
    (r"\Qa.b*\E+c", ["a.b*c", "a.b**c"]),
    (r"\bfoo\b.{2,}?$", ["foo bar"]),
    (r"\(\[\\\.", ["([\\."]),
    (r"(a(b(c(d)*)*)*)*e", ["e", "abcde", "aabce"]),
    (r"(?s)a.+z", ["a\nz"]),
    (r"a{0}b", ["b"]),
    (r"(?U)a+b*", ["a", "aab"]),
    (r"a{,3}", ["a{,3}"]),
]


@pytest.mark.parametrize(("pattern", "texts"), CASES)
def test_each_beginning_of_a_match_is_known(pattern: str, texts: list[str]) -> None:
    """None is missed, the whole included; what could not become a match is none."""
    begun = compiled(f"\\A(?:{taken_apart(pattern).begun})\\z")
    for text in texts:
        assert spans(compiled(f"\\A(?:{pattern})\\z"), text, 0) is not None, "the case is wrong"
        for length in range(len(text) + 1):
            assert spans(begun, text[:length], 0) is not None, text[:length]
        assert spans(begun, f"\x00{text}", 0) is None


@pytest.mark.parametrize(("pattern", "least"), [(r"a*", 0), (r"\b", 0), (r"a+b?", 1), (r"(ab){2}|c{5}", 4), ("^", 0)])
def test_the_shortest_match_is_known(pattern: str, least: int) -> None:
    """A pattern that matches nothing would be found everywhere."""
    assert taken_apart(pattern).least == least


def test_half_a_character_is_refused() -> None:
    r"""\C would cut a character into its bytes."""
    with pytest.raises(SettingsError, match="half of a character"):
        taken_apart(r"a\C")
