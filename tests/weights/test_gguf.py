"""The GGUF reader: the shipped files, made-up ones, broken ones and hostile ones."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.random_model import CONTROL_TOKENS, TEXT_TOKENS, TINY, write
from glmgate.weights.builtin import builtin_models
from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.gguf import read_facts


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random model."""
    return write(tmp_path_factory.mktemp("weights") / "tiny.gguf", TINY, template="{{ messages }}")


def string(text: str) -> bytes:
    """A text as GGUF writes it."""
    return struct.pack("<Q", len(text)) + text.encode()


def header(*, version: int = 3, tensors: int = 0, members: int = 0) -> bytes:
    """The first bytes of a file."""
    return b"GGUF" + struct.pack("<IQQ", version, tensors, members)


def refusal(path: Path, data: bytes) -> str:
    """What the reader says of a file with these bytes."""
    path.write_bytes(data)
    with pytest.raises(WeightsUnreadable) as caught:
        read_facts(path)
    return caught.value.message


def test_the_facts_of_a_model_are_read(tiny: Path) -> None:
    """Every number that was written comes back."""
    facts = read_facts(tiny)
    assert (facts.architecture, facts.name, facts.file_type) == ("glm4", "random weights", 7)
    assert (facts.context_length, facts.embedding_length, facts.layers) == (TINY.context, TINY.width, TINY.layers)
    assert facts.kv_heads == (TINY.kv_heads,) * TINY.layers
    assert facts.key_length == facts.value_length == TINY.width // TINY.heads
    assert facts.vocabulary == 256 + TINY.words + len(CONTROL_TOKENS) + len(TEXT_TOKENS)
    assert facts.file_bytes == tiny.stat().st_size
    assert facts.chat_template == "{{ messages }}"


def test_control_and_user_defined_tokens_are_named(tiny: Path) -> None:
    """Both mean something to the model wherever they stand, so both must not come from a caller's text."""
    assert read_facts(tiny).control_tokens == CONTROL_TOKENS + TEXT_TOKENS
    last = read_facts(tiny).vocabulary
    assert read_facts(tiny).longest_token == max(len(text.encode()) for text in CONTROL_TOKENS + TEXT_TOKENS)
    assert read_facts(tiny).markup_tokens == tuple(range(last - len(TEXT_TOKENS), last))


def test_the_shipped_models_are_read() -> None:
    """The files of the package are what they are shipped for."""
    facts = {shipped.kind: read_facts(shipped.path) for shipped in builtin_models()}
    assert facts["chat"].architecture == "glm4"
    assert facts["chat"].chat_template
    assert facts["embedding"].embedding_length == 384
    assert facts["embedding"].pooling == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path is in the message."""
    with pytest.raises(WeightsUnreadable, match=r"missing\.gguf.*cannot be read"):
        read_facts(tmp_path / "missing.gguf")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """A download that never began."""
    assert "empty" in refusal(tmp_path / "f", b"")


def test_another_format_is_refused(tmp_path: Path) -> None:
    """The first bytes are shown, because they tell what it is instead."""
    assert "no GGUF file: it begins with b'<!DO'" in refusal(tmp_path / "f", b"<!DOCTYPE html>")


@pytest.mark.parametrize("version", [1, 4, 0x03000000])
def test_an_unknown_version_is_refused(tmp_path: Path, version: int) -> None:
    """Version 1 has other lengths, big-endian files have their version turned round."""
    assert "has version" in refusal(tmp_path / "f", header(version=version))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (header(tensors=1 << 60), "claims 1152921504606846976 tensors"),
        (header(members=1 << 60), "claims 1152921504606846976 members"),
        (header(members=1) + struct.pack("<Q", 1 << 62), "claims a text of"),
        (header(members=1) + string("a") + struct.pack("<IIQ", 9, 4, 1 << 50), "claims 1125899906842624 items"),
        (header(members=1) + string("a") + struct.pack("<I", 99), "unknown type 99"),
        (header(tensors=1) + string("t") + struct.pack("<I", 1 << 31), "2147483648 dimensions"),
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_made_of_them(tmp_path: Path, data: bytes, expected: str) -> None:
    """A few bytes cannot make the server allocate."""
    assert expected in refusal(tmp_path / "f", data + b"\0" * 64)


def test_arrays_in_arrays_are_bounded(tmp_path: Path) -> None:
    """Nesting is refused, not recursed into."""
    nested = struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 50
    assert "too deeply" in refusal(tmp_path / "f", header(members=1) + string("a") + nested + b"\0" * 64)


def test_a_file_without_its_last_weights_is_refused(tiny: Path, tmp_path: Path) -> None:
    """A download that broke off is told before a child is started for it."""
    assert "is cut off: at least" in refusal(tmp_path / "f", tiny.read_bytes()[:-500])


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [("glm4.block_count", 8, string("two")), ("glm4.context_length", 6, struct.pack("<f", 1.5))],
)
def test_a_member_of_the_wrong_type_is_named(tmp_path: Path, key: str, kind: int, value: bytes) -> None:
    """Not a traceback, but which member says what."""
    members = [
        string("general.architecture") + struct.pack("<I", 8) + string("glm4"),
        string("glm4.block_count") + struct.pack("<II", 4, 2),
        string("glm4.embedding_length") + struct.pack("<II", 4, 64),
        string(key) + struct.pack("<I", kind) + value,
    ]
    assert repr(key) in refusal(tmp_path / "f", header(members=len(members)) + b"".join(members))


def test_a_number_for_each_layer_is_read(tmp_path: Path) -> None:
    """Hybrid models say their heads layer by layer."""
    path = write(tmp_path / "m.gguf", replace(TINY, layers=1), template="")
    data = path.read_bytes()
    one = string("glm4.attention.head_count_kv") + struct.pack("<II", 4, TINY.kv_heads)
    per_layer = string("glm4.attention.head_count_kv") + struct.pack("<IIQI", 9, 4, 1, 7)
    path.write_bytes(data.replace(one, per_layer) + b"\0" * 64)
    assert read_facts(path).kv_heads == (7,)


@given(cut=st.integers(4, 6000))
def test_a_header_that_is_cut_anywhere_is_refused_with_a_reason(tiny: Path, cut: int) -> None:
    """No place makes another error than ours."""
    path = tiny.with_name("cut.gguf")
    assert "Fetch it again" in refusal(path, tiny.read_bytes()[:cut])


@given(place=st.integers(4, 12_000), flip=st.integers(1, 255))
def test_a_flipped_byte_is_read_or_refused_but_nothing_else(tiny: Path, place: int, flip: int) -> None:
    """A damaged header never raises anything but our error."""
    data = bytearray(tiny.read_bytes())
    data[place] ^= flip
    path = tiny.with_name("flipped.gguf")
    path.write_bytes(data)
    try:
        read_facts(path)
    except WeightsUnreadable as exc:
        assert exc.message  # noqa: PT017 # both endings are right
