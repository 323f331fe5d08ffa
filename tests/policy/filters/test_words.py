"""Lists of words."""

from __future__ import annotations

import time

import pytest

from glmgate.errors import SettingsError
from glmgate.policy.filters.words import Words
from tests.policy.filters.making import found, masked, scan, through, words


def test_words_are_found_whatever_their_case() -> None:
    """The longest of those at one place."""
    assert found(Words(["Bad", "bad dog", "ÉCOLE"]), "BAD bad dog école") == ["BAD", "bad dog", "école"]


def test_a_word_of_letters_is_a_whole_word() -> None:
    """What only holds its letters is another word."""
    assert found(Words(["ass"]), "class assess ass ass,") == ["ass", "ass"]


def test_a_chinese_word_is_found_anywhere() -> None:
    """There are no blanks between words."""
    assert found(Words(["赌博", "赌"]), "网上赌博和赌") == ["赌博", "赌"]


def test_blanks_and_forms_of_a_word_do_not_matter() -> None:
    """The list is folded as texts are."""
    assert found(Words(["  ｂａｄ \t dog "]), "bad dog") == ["bad dog"]


def test_a_text_may_have_more_blanks_than_the_list() -> None:
    """It is wrapped, or somebody hopes to get it past the filter; eight are as many as are looked for."""
    finder = Words(["bad dog", "bad"])
    assert found(finder, "bad  dog, bad\r\n\tdog") == ["bad  dog", "bad\r\n\tdog"]
    assert found(finder, f"bad{' ' * 8}dog bad{' ' * 9}dog") == [f"bad{' ' * 8}dog", "bad"]


@pytest.mark.parametrize("count", range(12))
def test_words_with_many_blanks_are_found_in_pieces(count: int) -> None:
    """Letter by letter as at once."""
    rule = words("bad dog", "dog")
    text = f"a bad{' ' * count}dog bad{chr(10) * count}d"
    assert through(scan(rule), list(text)) == masked(rule, text)


def test_a_word_of_the_list_may_hold_what_nobody_sees() -> None:
    """It is the same word without; one of nothing else is none."""
    assert found(Words(["می\u200cخواهم", "\u200b"]), "میخواهم") == ["میخواهم"]
    assert Words(["x"]).sees_through


def test_signs_of_patterns_are_only_signs() -> None:
    """A list is no pattern."""
    assert found(Words(["c++", "a.b", "(x)"]), "c++ aab a.b (x)") == ["c++", "a.b", "(x)"]


@pytest.mark.parametrize(
    ("text", "pending"),
    [("a ba", 2), ("a bad", 2), ("a bad d", 2), ("a bad x", 7), ("a bad \n d", 2), ("法", 0), ("法轮", 2), ("x", 1)],
)
def test_the_beginning_of_a_word_waits(text: str, pending: int) -> None:
    """A word that is whole, and cannot become another one, does not."""
    assert Words(["bad", "bad dog", "法轮"]).pending(text, 0) == pending


@pytest.mark.parametrize(("words", "says"), [([], "no word"), ([" "], "no word"), (["x" * 201], "201 characters")])
def test_a_list_that_cannot_be_used_is_refused(words: list[str], says: str) -> None:
    """An empty one would let everything pass in silence."""
    with pytest.raises(SettingsError, match=says):
        Words(words)


def test_a_long_list_is_as_quick_as_a_short_one() -> None:
    """Ten thousand words: a kilobyte takes well under a millisecond."""
    finder = Words([f"word{number}x" for number in range(10_000)])
    text = "This is a text about word99 and others. " * 25
    began = time.process_time()
    for _ in range(50):
        assert finder.find(text, 0) is None
    assert (time.process_time() - began) / 50 < 0.002
    assert found(finder, text + "word77x") == ["word77x"]
