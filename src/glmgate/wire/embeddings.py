"""Embeddings: request and answer (contract 4.1, E1 to E3).

How vectors are made or resized is not decided here.
"""

from __future__ import annotations

import base64
import struct
from typing import Any, Literal

import msgspec

from glmgate.wire.chat import GlmgateOptions
from glmgate.wire.members import Members


class EmbeddingsRequest(Members):
    """Texts to embed. Token ids are read, so that they can be refused with a reason (contract E2)."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    glmgate: GlmgateOptions | None = None


class Embeddings(msgspec.Struct, frozen=True):
    """One vector for each input, in its order, and the tokens that were read."""

    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int


def encode(embeddings: Embeddings, *, model: str, as_base64: bool) -> dict[str, Any]:
    """The answer's body. Base64 is of little-endian float32 (contract E1)."""
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if as_base64 else list(vector)}
        for index, vector in enumerate(embeddings.vectors)
    ]
    usage = {
        "prompt_tokens": embeddings.prompt_tokens,
        "completion_tokens": 0,
        "total_tokens": embeddings.prompt_tokens,
    }
    return {"object": "list", "model": model, "data": data, "usage": usage}


def _base64(vector: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
