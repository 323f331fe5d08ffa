"""Texts of any length for a model with a window: cut into pieces as token ids, and their vectors made one again.

How a text becomes ids lives in `wordpiece`; the engine is asked elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from glmgate.adaptation.wordpiece import WordPiece
from glmgate.errors import ContextLengthExceeded
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Note

CHUNKED: Final = Note("input", "chunked", exact=False)
_FRAME: Final = 2  # the first and the last token of every piece


@dataclass(frozen=True, slots=True)
class Windows:
    """Texts in pieces that fit: `request` asks for all pieces in a row, `tokens` has those of each text's pieces."""

    request: EmbeddingsRequest
    tokens: tuple[tuple[int, ...], ...]

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is to be reported: that a text was cut."""
        return (CHUNKED,) if any(len(pieces) > 1 for pieces in self.tokens) else ()


def cut(request: EmbeddingsRequest, reader: WordPiece, *, most: int, whole: bool) -> Windows:
    """The texts of `request` (a list of nothing but texts) as token ids.

    Raises ContextLengthExceeded when there are more than `most` tokens, or, with `whole`, when a text must be cut.
    """
    pieces: list[str | int | list[int]] = []
    tokens: list[tuple[int, ...]] = []
    left = most
    for place, text in enumerate(request.input):
        parts = reader.windows(str(text), most=left)
        counts = tuple(len(part) - _FRAME for part in parts)
        left -= sum(counts)
        if left < 0:
            raise ContextLengthExceeded(
                f"The texts have more than {most} tokens together. Send them in several requests.", param="input"
            )
        if whole and len(parts) > 1:
            raise ContextLengthExceeded(
                f"This call is strict, and 'input[{place}]' has {sum(counts) + _FRAME} tokens, but the model reads at"
                f" most {reader.window} at once. Cut it, or call without 'strict': then it is cut and averaged.",
                param=f"input[{place}]",
            )
        pieces.extend(parts)
        tokens.append(counts)
    return Windows(msgspec.structs.replace(request, input=pieces), tuple(tokens))


def joined(embeddings: Embeddings, windows: Windows) -> Embeddings:
    """One vector for each text: that of its only piece, or the mean of its pieces'."""
    vectors: list[tuple[float, ...]] = []
    start = 0
    for counts in windows.tokens:
        own = embeddings.vectors[start : start + len(counts)]
        start += len(counts)
        vectors.append(own[0] if len(own) == 1 else averaged(own, counts))
    return msgspec.structs.replace(embeddings, vectors=tuple(vectors))


def averaged(vectors: Sequence[Sequence[float]], weights: Sequence[int]) -> tuple[float, ...]:
    """The weighted mean of `vectors`, of length 1 unless it is zero."""
    mean = [
        math.fsum(value * weight for value, weight in zip(column, weights, strict=True))
        for column in zip(*vectors, strict=True)
    ]
    length = math.hypot(*mean)
    return tuple(value / length for value in mean) if length else tuple(mean)
