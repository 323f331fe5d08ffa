"""Answers to embeddings requests: floats or base64, in the order of the inputs."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import msgspec
import pytest

from glmgate.engines import vectors
from glmgate.wire.embeddings import Embeddings

PACKED = base64.b64encode(struct.pack("<2f", 0.5, -0.25)).decode()


def answer(*data: dict[str, Any], **more: Any) -> bytes:
    """A body."""
    return json.dumps({"object": "list", "data": data, **more}).encode()


@pytest.mark.parametrize("vector", [[0.5, -0.25], PACKED])
def test_both_forms_are_read(vector: object) -> None:
    """Contract row E1: base64 is of little-endian float32."""
    read = vectors.read(answer({"index": 0, "embedding": vector}, usage={"prompt_tokens": 3}), inputs=1)
    assert read == Embeddings(((0.5, -0.25),), 3)


def test_vectors_come_in_the_order_of_their_index() -> None:
    """Some services answer in any order."""
    read = vectors.read(answer({"index": 1, "embedding": [1]}, {"index": 0, "embedding": [0]}), inputs=2)
    assert read.vectors == ((0.0,), (1.0,))


def test_without_an_index_the_place_counts() -> None:
    """And without usage nothing was counted."""
    read = vectors.read(answer({"embedding": [0]}, {"embedding": [1]}), inputs=2)
    assert read == Embeddings(((0.0,), (1.0,)), 0)


@pytest.mark.parametrize(
    "body",
    [
        answer({"index": 0, "embedding": [0]}),
        answer({"index": 0, "embedding": [0]}, {"index": 0, "embedding": [0]}),
        answer({"index": 0, "embedding": [0]}, {"index": 2, "embedding": [0]}),
        answer({"index": 0, "embedding": "?"}, {"index": 1, "embedding": [0]}),
        answer({"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": [0]}),
        b"{}",
    ],
)
def test_what_is_not_a_vector_for_each_input_is_refused(body: bytes) -> None:
    """A vector in the wrong place would be found later, or never."""
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        vectors.read(body, inputs=2)
