"""Characters that mean the same are one, and every place stays where it was."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.filters.folding import fold, lower


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("４１１１　１２３４", "4111 1234"),
        ("ａｂＣ＠ｅｘ．ｃｏｍ", "abC@ex.com"),
        ("٤١١١", "4111"),
        ("12\u201034\u00a056", "12-34 56"),
        ("中文，没有变化", "中文，没有变化"),
        ("plain", "plain"),
    ],
)
def test_forms_of_a_character_are_one(text: str, folded: str) -> None:
    """Full-width letters, digits of other scripts, blanks and hyphens."""
    assert fold(text) == folded


def test_every_digit_of_every_script_is_one() -> None:
    """The table has all zeros of the first plane that Python's own table has."""
    known = [chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) == "Nd"]
    assert sys.maxunicode > 0xFFFF
    assert [fold(digit) for digit in known] == [str(unicodedata.decimal(digit)) for digit in known]


def test_half_of_a_pair_is_no_text() -> None:
    """It cannot be encoded, so that it must not reach the engine."""
    assert fold("a\ud83d４") == "a\ufffd4"


@given(st.text(st.characters(), max_size=30), st.text(st.characters(), max_size=30))
def test_places_stay_where_they_are(first: str, second: str) -> None:
    """A text has as many characters as before, and is folded the same way wherever it is cut."""
    assert len(fold(first)) == len(first)
    assert fold(first + second) == fold(first) + fold(second)
    assert len(lower(first)) == len(first)
    assert lower(first + second) == lower(first) + lower(second)
