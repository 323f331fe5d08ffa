"""Characters that mean the same are one, and every place stays where it was."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.filters.folding import fold, is_plain, lower, parted


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


@pytest.mark.parametrize(
    ("text", "visible", "unseen"),
    [
        ("plain", "plain", []),
        ("中文", "中文", []),
        ("a\u200bb", "ab", [(1, "\u200b")]),
        ("\ufeffa\u00ad\u2060b\u200d", "ab", [(0, "\ufeff"), (1, "\u00ad\u2060"), (2, "\u200d")]),
        ("\u200b", "", [(0, "\u200b")]),
        ("tag\U000e0041", "tag", [(3, "\U000e0041")]),
        ("ㅤa", "ㅤa", []),
    ],
)
def test_what_nobody_sees_is_laid_aside(text: str, visible: str, unseen: list[tuple[int, str]]) -> None:
    """With its place among what is seen; a filler takes a place, and is seen."""
    assert parted(text) == (visible, unseen)
    assert is_plain(text) == (not unseen)


@given(st.text(st.characters() | st.sampled_from("\u200b\u00ad\ufe0f"), max_size=30))
def test_it_can_be_put_back(text: str) -> None:
    """Nothing is lost, and what is called plain is neither folded nor parted."""
    visible, unseen = parted(text)
    back, at = "", 0
    for place, run in unseen:
        back, at = back + visible[at:place] + run, place
    assert back + visible[at:] == text
    assert parted(visible) == (visible, [])
    if is_plain(text):
        assert (visible, fold(text)) == (text, text)
