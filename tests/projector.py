"""Writes a tiny projector with random weights: what a model needs beside its weights to read images.

A vision transformer of one layer, 56x56 pixels in patches of 14, so that an image is 16 places in the prompt.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

from bench import gguf

IMAGE_TOKENS = 16
_ALIGNMENT = 32
_WIDTH, _HIDDEN, _SIDE, _PATCH = 32, 64, 56, 14


def write_projector(path: Path, *, embedding: int) -> Path:
    """Write a projector for a model whose embeddings have this width, and return the path."""
    tensors = list(_tensors(embedding))
    members = [
        gguf.text("general.architecture", "clip"),
        gguf.text("clip.projector_type", "mlp"),
        gguf.member("clip.has_vision_encoder", gguf.BOOL, b"\1"),
        gguf.member("clip.use_gelu", gguf.BOOL, b"\1"),
        gguf.number("clip.vision.image_size", _SIDE),
        gguf.number("clip.vision.patch_size", _PATCH),
        gguf.number("clip.vision.embedding_length", _WIDTH),
        gguf.number("clip.vision.feed_forward_length", _HIDDEN),
        gguf.number("clip.vision.projection_dim", embedding),
        gguf.number("clip.vision.block_count", 1),
        gguf.number("clip.vision.attention.head_count", 2),
        gguf.member("clip.vision.attention.layer_norm_epsilon", gguf.FLOAT, struct.pack("<f", 1e-5)),
        gguf.member("clip.vision.image_mean", gguf.ARRAY, gguf.array(gguf.FLOAT, [struct.pack("<f", 0.5)] * 3)),
        gguf.member("clip.vision.image_std", gguf.ARRAY, gguf.array(gguf.FLOAT, [struct.pack("<f", 0.5)] * 3)),
    ]
    source = random.Random(1)
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(members)) + b"".join(members))
        offset = 0
        for name, sizes in tensors:
            shape = struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes)
            file.write(gguf.string(name) + shape + struct.pack("<IQ", 0, offset))
            offset += _weights(sizes) * 4 + -(_weights(sizes) * 4) % _ALIGNMENT
        for _, sizes in tensors:
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            count = _weights(sizes)
            file.write(struct.pack(f"<{count}f", *(source.gauss(0, 0.1) for _ in range(count))))
    return path


def _tensors(embedding: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "v.class_embd", (_WIDTH,)
    yield "v.patch_embd.weight", (_PATCH, _PATCH, 3, _WIDTH)
    yield "v.position_embd.weight", (_WIDTH, IMAGE_TOKENS + 1)
    for name in ("v.pre_ln", "v.blk.0.ln1", "v.blk.0.ln2"):
        yield f"{name}.weight", (_WIDTH,)
        yield f"{name}.bias", (_WIDTH,)
    for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
        yield from _linear(f"v.blk.0.{name}", _WIDTH, _WIDTH)
    yield from _linear("v.blk.0.ffn_up", _WIDTH, _HIDDEN)
    yield from _linear("v.blk.0.ffn_down", _HIDDEN, _WIDTH)
    yield from _linear("mm.0", _WIDTH, embedding)
    yield from _linear("mm.2", embedding, embedding)


def _linear(name: str, width: int, into: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (width, into)
    yield f"{name}.bias", (into,)


def _weights(sizes: tuple[int, ...]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count
