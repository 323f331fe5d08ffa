"""The vocabulary of an encoder's file, for those whose texts are read by us (`adaptation.wordpiece`).

How the file is laid out is known to `gguf`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from glmgate.adaptation.wordpiece import Vocabulary, WordPiece
from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.gguf import GgufTokens, read_tokens

KIND: Final = "bert"
"""What a file says for its tokenizer when `read_wordpiece` can read its vocabulary."""

_WORD: Final = "\u2581"  # the file marks the begin of a word, where BERT's own list marks what goes on
_TEXT: Final = 1  # llama.cpp's number for a token that is text
_LEAST_WINDOW: Final = 3


def read_wordpiece(path: Path, *, window: int) -> WordPiece:
    """The reader of texts for the model at `path`, in pieces of at most `window` tokens. Raises WeightsUnreadable."""
    tokens = read_tokens(path)
    if tokens.model != KIND:
        raise WeightsUnreadable(f"{str(path)!r} has a tokenizer {tokens.model!r}, not {KIND!r}. Choose another file.")
    if max(tokens.first, tokens.last, tokens.unknown) >= len(tokens.texts):
        raise WeightsUnreadable(f"{str(path)!r} names special tokens beyond its vocabulary. Fetch it again.")
    return WordPiece(_vocabulary(tokens), max(window, _LEAST_WINDOW))


def _vocabulary(tokens: GgufTokens) -> Vocabulary:
    words: dict[str, int] = {}
    rests: dict[str, int] = {}
    for index, (text, kind) in enumerate(zip(tokens.texts, tokens.kinds, strict=True)):
        if kind != _TEXT:
            continue
        if text.startswith(_WORD):
            words[text.removeprefix(_WORD)] = index
        else:
            rests[text] = index
    return Vocabulary(words=words, rests=rests, unknown=tokens.unknown, first=tokens.first, last=tokens.last)
