"""The reference that the original embedding model gave (`training.minilm_reference`)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import msgspec

from glmgate.adaptation.wordpiece import WordPiece
from glmgate.weights.builtin import DATA, EMBEDDING_NAME, EMBEDDING_WINDOW
from glmgate.weights.vocabulary import read_wordpiece

FILE: Final = DATA / f"{EMBEDDING_NAME}.gguf"


class Sentence(msgspec.Struct, frozen=True):
    """A text, the original's token ids, and (for the 100 sentences) its vector of them."""

    text: str
    ids: list[int]
    vector: tuple[float, ...] = ()


class Reference(msgspec.Struct, frozen=True):
    """100 sentences of many languages, and texts scrambled from them and from all of Unicode's blocks."""

    sentences: list[Sentence]
    scrambled: list[Sentence]


@functools.cache
def reference() -> Reference:
    """The stored reference."""
    data = (Path(__file__).parent / "data" / "minilm_reference.json").read_bytes()
    return msgspec.json.decode(data, type=Reference)


@functools.cache
def reader(window: int = EMBEDDING_WINDOW) -> WordPiece:
    """The built-in model's reader of texts, with a window of any size."""
    return read_wordpiece(FILE, window=window)
