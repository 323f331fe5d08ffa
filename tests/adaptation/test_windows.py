"""Texts that are longer than a model's window."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.windows import CHUNKED, averaged, cut, joined
from glmgate.adaptation.wordpiece import Vocabulary, WordPiece
from glmgate.errors import ContextLengthExceeded
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest

READER = WordPiece(Vocabulary(words={"a": 5, "b": 6}, rests={}, unknown=0, first=1, last=2), window=5)


def request(*texts: str) -> EmbeddingsRequest:
    """A request with these texts."""
    return EmbeddingsRequest(model="m", input=[*texts])


def test_short_texts_are_sent_as_token_ids() -> None:
    """One piece each, and nothing to report."""
    windows = cut(request("a b", "b"), READER, most=100, whole=True)
    assert (windows.request.input, windows.tokens, windows.notes) == ([[1, 5, 6, 2], [1, 6, 2]], ((2,), (1,)), ())


def test_long_texts_are_sent_in_pieces_and_reported() -> None:
    """The pieces follow one another."""
    windows = cut(request("a a a b", "b"), READER, most=100, whole=False)
    assert windows.request.input == [[1, 5, 5, 5, 2], [1, 6, 2], [1, 6, 2]]
    assert (windows.tokens, windows.notes) == (((3, 1), (1,)), (CHUNKED,))


def test_strict_calls_are_refused_with_the_count() -> None:
    """The text is named, and its tokens with those that frame it."""
    with pytest.raises(ContextLengthExceeded, match="has 6 tokens, but the model reads at most 5") as raised:
        cut(request("b", "a a a b"), READER, most=100, whole=True)
    assert raised.value.param == "input[1]"


def test_all_texts_together_have_a_bound() -> None:
    """Of text: the frames don't count."""
    assert cut(request("a a", "b b"), READER, most=4, whole=False).tokens == ((2,), (2,))
    with pytest.raises(ContextLengthExceeded, match="more than 3 tokens"):
        cut(request("a a", "b b"), READER, most=3, whole=False)


def test_a_text_in_pieces_gets_one_vector() -> None:
    """The mean, weighted by tokens, of length 1; others keep their own."""
    windows = cut(request("a a a b", "b"), READER, most=100, whole=False)
    given_vectors = ((1.0, 0.0), (0.0, 1.0), (0.6, 0.8))
    found = joined(Embeddings(given_vectors, prompt_tokens=11), windows)
    assert found.prompt_tokens == 11
    assert found.vectors[0] == pytest.approx((3 / math.sqrt(10), 1 / math.sqrt(10)))
    assert found.vectors[1] == (0.6, 0.8)


COORDINATES = st.integers(-100, 100).map(lambda hundredths: hundredths / 100)


@given(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=5), st.integers(1, 9))
def test_a_mean_has_length_one_or_is_zero(vectors: list[tuple[float, float]], weight: int) -> None:
    """Whatever is averaged."""
    length = math.hypot(*averaged(vectors, [weight] * len(vectors)))
    assert length == pytest.approx(1) or length == pytest.approx(0)
