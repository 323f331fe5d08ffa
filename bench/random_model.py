"""Writes GGUF files with random weights: the real GLM-4 architecture at any size, for measurements and engine tests.

What such a model says is noise; its shape, speed and token accounting are real. Standard library only.
"""

from __future__ import annotations

import argparse
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from bench import gguf

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / "build" / "models"
TEMPLATE: Final = ROOT / "training" / "chat_template.jinja"

_ALIGNMENT: Final = 32
_F32: Final = 0
_Q8_0: Final = 8
_BLOCK_WEIGHTS: Final = 32
_BLOCK_BYTES: Final = 34  # a half-precision scale and 32 signed bytes
# Blocks that are made; a tensor is cut from their repetition at an offset of its own. Drawing 350 MB anew takes longer
# than everything else together, and speed does not depend on what is drawn.
_POOL_BLOCKS: Final = 4099

_NORMAL: Final = 1
_CONTROL: Final = 3
_USER_DEFINED: Final = 4

CONTROL_TOKENS: Final = (
    "<|endoftext|>",
    "[gMASK]",
    "<sop>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
)
TEXT_TOKENS: Final = (
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "/nothink",
)


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a model. `speaks` lists special tokens that it may say; the others' weights are zero.

    `architecture` is that of GLM-4-0414, or that of GLM-Edge (`chatglm`), whose vocabulary has none of `TEXT_TOKENS`.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    words: int = 64
    context: int = 4096
    speaks: tuple[str, ...] = ()
    seed: int = 1
    architecture: Literal["glm4", "chatglm"] = "glm4"


# Named by what they are for. 0.35 B is what the project's throughput is measured with (issue Serve, "Speed here").
TINY: Final = Shape(layers=2, width=64, heads=4, kv_heads=2, feed_forward=128)
SLOW: Final = Shape(layers=8, width=512, heads=8, kv_heads=2, feed_forward=1536)
BENCH: Final = Shape(layers=28, width=1024, heads=16, kv_heads=8, feed_forward=3072, words=4096)
SHAPES: Final = {"tiny": TINY, "slow": SLOW, "bench": BENCH}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its name and its sizes, fastest first, as GGUF writes them."""

    name: str
    sizes: tuple[int, ...]

    @property
    def quantised(self) -> bool:
        """True for matrices; vectors (the norms) stay in single precision."""
        return len(self.sizes) > 1

    @property
    def bytes(self) -> int:
        """The size in the file, without padding."""
        weights = 1
        for size in self.sizes:
            weights *= size
        return weights // _BLOCK_WEIGHTS * _BLOCK_BYTES if self.quantised else weights * 4


def write(path: Path, shape: Shape, *, template: str | None = None) -> Path:
    """Write a model to `path` (its folder is made) and return the path; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    vocabulary = _vocabulary(shape)
    tensors = list(_tensors(shape, len(vocabulary)))
    with part.open("wb") as file:
        _write_header(file, shape, vocabulary, tensors, TEMPLATE.read_text("utf-8") if template is None else template)
        pool = _pool(shape)
        for number, tensor in enumerate(tensors):
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            if tensor.name == "token_embd.weight":
                _write_embedding(file, shape, vocabulary, pool)
            elif tensor.quantised:
                _write_repeated(file, pool, tensor.bytes, start=number * 7 % _POOL_BLOCKS)
            else:
                file.write(struct.pack("<f", 1.0) * (tensor.bytes // 4))
    return part.replace(path)


def cached(name: str) -> Path:
    """The model of that name in `SHAPES`, written at the first call into a folder that git ignores."""
    path = CACHE / f"random-{name}.gguf"
    return path if path.exists() else write(path, SHAPES[name])


def _tensors(shape: Shape, vocabulary: int) -> Iterator[Tensor]:
    head = shape.width // shape.heads
    yield Tensor("token_embd.weight", (shape.width, vocabulary))
    edge = shape.architecture == "chatglm"
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        yield Tensor(f"{block}.attn_norm.weight", (shape.width,))
        if edge:
            yield Tensor(f"{block}.attn_qkv.weight", (shape.width, (shape.heads + 2 * shape.kv_heads) * head))
        else:
            yield Tensor(f"{block}.attn_q.weight", (shape.width, shape.heads * head))
            yield Tensor(f"{block}.attn_k.weight", (shape.width, shape.kv_heads * head))
            yield Tensor(f"{block}.attn_v.weight", (shape.width, shape.kv_heads * head))
        yield Tensor(f"{block}.attn_output.weight", (shape.heads * head, shape.width))
        if not edge:
            yield Tensor(f"{block}.post_attention_norm.weight", (shape.width,))
        yield Tensor(f"{block}.ffn_norm.weight", (shape.width,))
        yield Tensor(f"{block}.ffn_up.weight", (shape.width, 2 * shape.feed_forward))
        yield Tensor(f"{block}.ffn_down.weight", (shape.feed_forward, shape.width))
        if not edge:
            yield Tensor(f"{block}.post_ffw_norm.weight", (shape.width,))
    yield Tensor("output_norm.weight", (shape.width,))


def _vocabulary(shape: Shape) -> list[tuple[str, int]]:
    """Tokens with their types: every byte, made-up words, then the special tokens of GLM-4."""
    words = shape.words
    byte_tokens = _byte_letters()
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    made = [f"Ġ{a}{b}{c}" for a in letters for b in "aeiou" for c in letters][:words]
    missing = words - len(made)
    made += [f"{a}{b}{c}" for a in letters for b in "aeiou" for c in letters][:missing]
    return (
        [(token, _NORMAL) for token in byte_tokens + made]
        + [(token, _CONTROL) for token in CONTROL_TOKENS]
        + [(token, _USER_DEFINED) for token in TEXT_TOKENS if shape.architecture == "glm4"]
    )


def _byte_letters() -> list[str]:
    """A printable letter for each of the 256 bytes, in the byte-level BPE's well-known order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [code for code in range(256) if code not in printable]
    return [chr(code) for code in printable] + [chr(256 + place) for place in range(len(others))]


def _write_header(
    file: BinaryIO, shape: Shape, vocabulary: Sequence[tuple[str, int]], tensors: Sequence[Tensor], template: str
) -> None:
    tokens = [token for token, _ in vocabulary]
    head = shape.width // shape.heads
    members: list[bytes] = [
        gguf.text("general.architecture", shape.architecture),
        gguf.text("general.name", "random weights"),
        gguf.number("general.file_type", 7),
        gguf.number(f"{shape.architecture}.block_count", shape.layers),
        gguf.number(f"{shape.architecture}.context_length", shape.context),
        gguf.number(f"{shape.architecture}.embedding_length", shape.width),
        gguf.number(f"{shape.architecture}.feed_forward_length", shape.feed_forward),
        gguf.number(f"{shape.architecture}.attention.head_count", shape.heads),
        gguf.number(f"{shape.architecture}.attention.head_count_kv", shape.kv_heads),
        gguf.number(f"{shape.architecture}.rope.dimension_count", head // 2),
        gguf.member(f"{shape.architecture}.attention.layer_norm_rms_epsilon", gguf.FLOAT, struct.pack("<f", 1e-5)),
        gguf.text("tokenizer.ggml.model", "gpt2"),
        gguf.text("tokenizer.ggml.pre", "glm4" if shape.architecture == "glm4" else "chatglm-bpe"),
        gguf.member(
            "tokenizer.ggml.tokens", gguf.ARRAY, gguf.array(gguf.STRING, [gguf.string(token) for token in tokens])
        ),
        gguf.member(
            "tokenizer.ggml.token_type",
            gguf.ARRAY,
            gguf.array(gguf.I32, [struct.pack("<i", kind) for _, kind in vocabulary]),
        ),
        gguf.member("tokenizer.ggml.merges", gguf.ARRAY, gguf.array(gguf.STRING, [gguf.string("Ġ b")])),
        gguf.number("tokenizer.ggml.bos_token_id", tokens.index("[gMASK]")),
        gguf.number("tokenizer.ggml.eos_token_id", tokens.index("<|endoftext|>")),
        gguf.number("tokenizer.ggml.eot_token_id", tokens.index("<|user|>")),
        gguf.number("tokenizer.ggml.eom_token_id", tokens.index("<|observation|>")),
        gguf.member("tokenizer.ggml.add_bos_token", gguf.BOOL, b"\0"),
        gguf.text("tokenizer.chat_template", template),
    ]
    file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(members)))
    file.writelines(members)
    offset = 0
    for tensor in tensors:
        sizes = struct.pack(f"<I{len(tensor.sizes)}Q", len(tensor.sizes), *tensor.sizes)
        file.write(gguf.string(tensor.name) + sizes + struct.pack("<IQ", _Q8_0 if tensor.quantised else _F32, offset))
        offset += tensor.bytes + -tensor.bytes % _ALIGNMENT


def _pool(shape: Shape) -> bytes:
    source = random.Random(shape.seed)
    # A byte is uniform in -128..127 (deviation 74); the scale makes a matrix keep the deviation of what it multiplies.
    scale = struct.pack("<e", 1 / (74 * shape.width**0.5))
    return b"".join(scale + source.randbytes(_BLOCK_WEIGHTS) for _ in range(_POOL_BLOCKS))


def _write_repeated(file: BinaryIO, pool: bytes, length: int, *, start: int) -> None:
    file.write(pool[start * _BLOCK_BYTES :][:length])
    left = length - min(length, len(pool) - start * _BLOCK_BYTES)
    while left:
        left -= file.write(pool[:left])


def _write_embedding(file: BinaryIO, shape: Shape, vocabulary: Sequence[tuple[str, int]], pool: bytes) -> None:
    """Rows of zeros for the special tokens that must not be said: some other token always beats their logit, 0."""
    row = shape.width // _BLOCK_WEIGHTS * _BLOCK_BYTES
    for number, (token, kind) in enumerate(vocabulary):
        if kind == _NORMAL or token in shape.speaks:
            _write_repeated(file, pool, row, start=number * 13 % _POOL_BLOCKS)
        else:
            file.write(b"\0" * row)


def main() -> None:
    """Write one model: `python -m bench.random_model bench [PATH]`."""
    parser = argparse.ArgumentParser(description="Write a GGUF file with random weights.")
    parser.add_argument("name", choices=sorted(SHAPES))
    parser.add_argument("path", nargs="?", type=Path)
    arguments = parser.parse_args()
    print(write(arguments.path, SHAPES[arguments.name]) if arguments.path else cached(arguments.name))


if __name__ == "__main__":
    main()
