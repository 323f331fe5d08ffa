"""Trains the byte-level BPE of the model so that what has to be copied looks the same everywhere.

A word is the same tokens with and without a space before it, except for the commonest words of the language; digits
are single tokens. Both make copying a matter of repeating tokens, which a model this small can learn.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training.vocabulary import SPECIAL_TOKENS

# The engine knows pre-tokenizers by name only; this one splits digits singly. The pattern is its own, of llama.cpp.
ENGINE_PRE = "qwen2"
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPACE = "\u0120"  # how byte-level BPE writes a space
_WORD = re.compile(r"(?<= )(?:[A-Z]?[a-z]+|[aI])(?![a-z])")
# Anything between a cut is a piece that merges never cross: a space stands apart from a word.
_PIECE = re.compile(r"[^\W\d_]+|\d|[^\w\s]+\n*|_+| +|\n+|\s")
_CUT = "\u0001"


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _merges_without_spaces(texts: Iterable[str], size: int) -> dict[str, Any]:
    """Train BPE on pieces in which no space touches a word; return the model as JSON."""
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_CUT, behavior="removed"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    bare.train_from_iterator((_CUT.join(_PIECE.findall(text)) for text in texts), trainer)
    model: dict[str, Any] = json.loads(bare.to_str())["model"]
    return model


def _spaced_words(texts: Iterable[str], known: set[str], values: frozenset[str], count: int) -> list[str]:
    """Return the commonest words that may swallow the space before them: known whole, and never a value to copy."""
    seen = Counter(word for text in texts for word in _WORD.findall(text))
    # A single letter takes its space only where it is a word: else every unknown word that begins with it would.
    words = (word for word, _ in seen.most_common() if len(word) > 1 or word in {"a", "I"})
    return [word for word in words if word in known and word.lower() not in values][:count]


def train(texts: list[str], *, size: int, spaced: int, values: frozenset[str]) -> Tokenizer:
    """Train on texts without special tokens; `values` are the words that the corpus asks to be copied."""
    model = _merges_without_spaces(texts, size - spaced - len(SPECIAL_TOKENS))
    vocabulary: dict[str, int] = model["vocab"]
    merges = [tuple(pair) for pair in model["merges"]]
    # Last in rank: a word is put together first, and takes its space only when it is whole.
    for word in _spaced_words(texts, set(vocabulary), values, spaced):
        merges.append((SPACE, word))
        vocabulary[SPACE + word] = len(vocabulary)
    return _assemble(vocabulary, merges)


def _assemble(vocabulary: dict[str, int], merges: list[tuple[str, ...]]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = _pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return tokenizer


def load(path: Path) -> Tokenizer:
    """Read a tokenizer that was saved with its `save`."""
    return Tokenizer.from_file(str(path))
