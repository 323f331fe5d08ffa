"""The vocabulary of encoders."""

from __future__ import annotations

import pytest

from glmgate.weights.builtin import CHAT_NAME, DATA
from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.gguf import read_facts, read_tokens
from glmgate.weights.vocabulary import KIND, read_wordpiece
from tests.minilm import FILE


def test_the_built_in_models_vocabulary_is_read() -> None:
    """Words, rests and special tokens have the original's ids."""
    found = read_wordpiece(FILE, window=256)
    own = found.vocabulary
    assert (own.words["hello"], own.rests["ing"]) == (7592, 2075)
    assert (own.first, own.last, own.unknown, found.window) == (101, 102, 100, 256)
    assert "[CLS]" not in own.words
    assert "[CLS]" not in own.rests


def test_the_header_says_which_tokenizer_it_is() -> None:
    """So that nobody has to read a vocabulary to know."""
    assert (read_facts(FILE).tokenizer, read_tokens(FILE).model) == (KIND, KIND)
    assert read_facts(DATA / f"{CHAT_NAME}.gguf").tokenizer not in ("", KIND)


def test_another_tokenizer_is_refused() -> None:
    """A chat model's texts are read by the engine."""
    with pytest.raises(WeightsUnreadable, match="not 'bert'"):
        read_wordpiece(DATA / f"{CHAT_NAME}.gguf", window=256)
