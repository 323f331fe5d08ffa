"""WordPiece: the same tokens as the original's, whatever the text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.wordpiece import Vocabulary, WordPiece, words
from tests.minilm import reader, reference

ENDLESS = 1 << 30
SMALL = WordPiece(
    Vocabulary(
        words={"a": 10, "un": 11, "cat": 12, ".": 13},
        rests={"s": 20, "happy": 21, "a": 22},
        unknown=1,
        first=2,
        last=3,
    ),
    window=6,
)


def test_the_sentences_have_the_originals_tokens() -> None:
    """All 100: languages, accents, cases, digits, emoji, and lengths up to the window."""
    assert len(reference().sentences) == 100
    for sentence in reference().sentences:
        assert reader().windows(sentence.text, most=ENDLESS) == [sentence.ids], sentence.text


def test_scrambled_texts_have_the_originals_tokens() -> None:
    """Random pieces and random characters of many blocks."""
    assert len(reference().scrambled) == 300
    for text in reference().scrambled:
        assert reader().windows(text.text, most=ENDLESS) == [text.ids], text.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ça VA, l'Été?", ["ca", "va", ",", "l", "'", "ete", "?"]),
        ("C'est 10€", ["c", "'", "est", "10€"]),
        ("你好a", ["你", "好", "a"]),
        ("a\u200bb\u00a0c\td\x00e", ["ab", "c", "de"]),
        ("a+b—c", ["a", "+", "b", "—", "c"]),
        ("ΣΑΣ", ["σασ"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Lower case, no accents; punctuation and ideographs alone; nothing that cannot be seen."""
    assert list(words(text)) == expected


@given(st.text())
def test_composed_and_decomposed_texts_are_the_same(text: str) -> None:
    """Canonically equal texts have equal words."""
    assert list(words(unicodedata.normalize("NFC", text))) == list(words(unicodedata.normalize("NFD", text)))


@given(st.text(st.characters(max_codepoint=127)))
def test_the_quick_way_for_ascii_is_the_same_way(text: str) -> None:
    """What a character beyond ASCII makes the slow way gives the same words before it."""
    assert [*words(text), "你"] == list(words(text + "你"))


@pytest.mark.parametrize(
    ("text", "ids"),
    [("cats", [12, 20]), ("unhappy", [11, 21]), ("cat.", [12, 13]), ("dog", [1]), ("unreal", [1]), ("a" * 101, [1])],
)
def test_the_longest_token_wins(text: str, ids: list[int]) -> None:
    """A word that cannot be put together is one unknown token, not a row of pieces."""
    assert SMALL.windows(text, most=ENDLESS)[0][1:-1] == ids


def test_long_texts_are_cut_between_words() -> None:
    """Every piece is framed, and fits."""
    assert SMALL.windows("a cat cats unhappy a", most=ENDLESS) == [[2, 10, 12, 12, 20, 3], [2, 11, 21, 10, 3]]


def test_a_word_that_is_longer_than_the_window_is_cut_itself() -> None:
    """Nothing is lost of it."""
    pieces = SMALL.windows("a" * 9, most=ENDLESS)
    assert [len(piece) for piece in pieces] == [6, 6, 3]


@given(st.lists(st.sampled_from(["cat", "cats", "a" * 9, "dog", ".", "unhappy", "  "]), max_size=30).map(" ".join))
def test_pieces_together_are_the_text(text: str) -> None:
    """No token is lost or doubled, none but the frame is added, and no piece is longer than the window."""
    whole = WordPiece(SMALL.vocabulary, ENDLESS).windows(text, most=ENDLESS)
    pieces = SMALL.windows(text, most=ENDLESS)
    assert [token for piece in pieces for token in piece[1:-1]] == whole[0][1:-1]
    assert all(len(piece) <= SMALL.window and (piece[0], piece[-1]) == (2, 3) for piece in pieces)
    assert len(pieces) == 1 or all(len(piece) > 2 for piece in pieces)


def test_reading_ends_when_there_is_too_much() -> None:
    """A text without end costs no more than what is allowed."""
    read = sum(len(piece) - 2 for piece in SMALL.windows("cat " * 100_000, most=50))
    assert read == 51
