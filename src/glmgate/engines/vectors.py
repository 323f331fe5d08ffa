"""Answers to embeddings requests, in the form that all engines share.

How vectors are asked for or resized is not here.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence

import msgspec

from glmgate.wire.embeddings import Embeddings


class _Vector(msgspec.Struct, frozen=True):
    # Each place has floats, or base64 of little-endian float32 (contract row E1).
    embedding: tuple[float, ...] | str
    index: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Vector]
    usage: _Usage | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def read(body: bytes, *, inputs: int) -> Embeddings:
    """The vectors in the order of the inputs. ValueError when they are not `inputs` vectors."""
    answer = _ANSWER.decode(body)
    places = [place if vector.index is None else vector.index for place, vector in enumerate(answer.data)]
    if sorted(places) != list(range(inputs)):
        raise ValueError(f"{len(answer.data)} vectors for {inputs} inputs")
    vectors = [vector for _, vector in sorted(zip(places, answer.data, strict=True), key=lambda pair: pair[0])]
    usage = answer.usage or _Usage()
    return Embeddings(
        tuple(_floats(vector.embedding) for vector in vectors), usage.prompt_tokens or usage.total_tokens or 0
    )


def _floats(vector: Sequence[float] | str) -> tuple[float, ...]:
    if not isinstance(vector, str):
        return tuple(vector)
    try:
        data = base64.b64decode(vector, validate=True)
        return struct.unpack(f"<{len(data) // 4}f", data)
    except (binascii.Error, struct.error) as exc:
        raise ValueError("a vector is no base64 of float32") from exc
