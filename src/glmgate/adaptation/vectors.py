"""Other sizes for embedding vectors: zeros above the model's own, a fixed orthogonal projection below.

Zeros keep every inner product. The projection keeps them about as well as any that knows nothing of the texts can, and
is the same for ever: stored vectors stay comparable.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from typing import Final

Vector = tuple[float, ...]

_SEED: Final = b"glmgate projection 1"  # another one would make stored vectors worthless


def resized(vector: Sequence[float], dimensions: int) -> Vector:
    """`vector` in `dimensions`; of length 1 when it got shorter, unless it is zero."""
    missing = dimensions - len(vector)
    if missing >= 0:
        return (*vector, *(0.0,) * missing)
    turned = turn(vector)[:dimensions]
    length = math.sqrt(math.fsum(value * value for value in turned))
    return tuple(value / length for value in turned) if length else tuple(turned)


def truncated(vector: Sequence[float], dimensions: int) -> Vector:
    """The first `dimensions` of `vector`, of length 1 unless they are zero; zeros where it has fewer.

    For models that are trained so that the first coordinates say most; it is what their services do.
    """
    kept = vector[:dimensions]
    if len(vector) < dimensions:
        return (*vector, *(0.0,) * (dimensions - len(vector)))
    length = math.hypot(*kept)
    return tuple(value / length for value in kept) if length else tuple(kept)


def turn(vector: Sequence[float]) -> list[float]:
    """`vector` turned by a fixed orthogonal matrix, after which every coordinate is a mixture of all.

    Random signs first, then a Walsh-Hadamard transform over the power of two in the size and a cosine transform over
    the odd rest of it (384 = 128 times 3).
    """
    size = len(vector)
    block = size & -size  # the largest power of two in the size
    signed = [value * sign for value, sign in zip(vector, _signs(size), strict=True)]
    blocks = [_hadamard(signed[start : start + block]) for start in range(0, size, block)]
    rows = _cosines(size // block)
    scale = 1.0 / math.sqrt(block)
    return [
        scale * math.fsum(factor * values[place] for factor, values in zip(row, blocks, strict=True))
        for place in range(block)
        for row in rows
    ]


def _hadamard(values: list[float]) -> list[float]:
    """The Walsh–Hadamard transform, not normalised; the length of `values` is a power of two."""
    half = 1
    while half < len(values):
        for start in range(0, len(values), 2 * half):
            for place in range(start, start + half):
                one, other = values[place], values[place + half]
                values[place], values[place + half] = one + other, one - other
        half *= 2
    return values


@functools.lru_cache(maxsize=8)
def _signs(size: int) -> Vector:
    blocks = (hashlib.sha256(_SEED + number.to_bytes(4, "big")).digest() for number in range(-(-size // 256)))
    bits = b"".join(blocks)
    return tuple(1.0 if bits[place // 8] >> (place % 8) & 1 else -1.0 for place in range(size))


@functools.lru_cache(maxsize=8)
def _cosines(size: int) -> tuple[Vector, ...]:
    """The orthonormal DCT-II matrix, row by row."""
    return tuple(
        tuple(
            math.sqrt((1 if row == 0 else 2) / size) * math.cos(math.pi * (column + 0.5) * row / size)
            for column in range(size)
        )
        for row in range(size)
    )
