"""Tests of the hubs' dialects: where they list and serve files, and which file an entry means."""

from __future__ import annotations

import dataclasses
import json

import pytest

from glmgate.weights.catalogue import find
from glmgate.weights.errors import PullFailed
from glmgate.weights.hub import ENDPOINTS, Hub, RemoteFile, chosen, file_url, listed, listing_url

HUGGING_FACE = Hub()
MODEL_SCOPE = Hub(kind="modelscope", endpoint=ENDPOINTS["modelscope"])
ENTRY = find("glm-edge-4b-chat")
SUM = "ab" * 32


def file(path: str, *, sha256: str = SUM) -> RemoteFile:
    """A file of a listing."""
    return RemoteFile(repository="a/b", path=path, size=5, sha256=sha256, url="")


def test_addresses_are_those_of_the_hubs_own_clients() -> None:
    """Read from huggingface_hub and modelscope; names are quoted."""
    assert listing_url(HUGGING_FACE, "a/b") == "https://huggingface.co/api/models/a/b/tree/main?recursive=true"
    assert file_url(HUGGING_FACE, "a/b", "c d/e.gguf") == "https://huggingface.co/a/b/resolve/main/c%20d/e.gguf"
    listing = "https://modelscope.cn/api/v1/models/a/b/repo/files?Revision=master&Recursive=true"
    assert listing_url(MODEL_SCOPE, "a/b") == listing
    served = "https://modelscope.cn/api/v1/models/a/b/repo?Revision=master&FilePath=c%2Fe.gguf"
    assert file_url(MODEL_SCOPE, "a/b", "c/e.gguf") == served


def test_hugging_face_states_the_checksum_of_large_files_only() -> None:
    """`oid` is git's own sum and not the content's; folders are left out."""
    body = json.dumps(
        [
            {"type": "directory", "path": "x", "oid": "1", "size": 0},
            {"type": "file", "path": "README.md", "oid": "2", "size": 3},
            {"type": "file", "path": "m.gguf", "oid": "3", "size": 4, "lfs": {"oid": SUM, "size": 4}, "xetHash": "x"},
        ]
    ).encode()
    assert [(each.path, each.size, each.sha256) for each in listed(HUGGING_FACE, "a/b", body)] == [
        ("README.md", 3, ""),
        ("m.gguf", 4, SUM),
    ]


def test_modelscope_states_all_checksums() -> None:
    """Members are written in capitals there, and a missing list is an empty one."""
    body = json.dumps({"Data": {"Files": [{"Path": "m.gguf", "Type": "blob", "Size": 4, "Sha256": SUM.upper()}]}})
    (only,) = listed(MODEL_SCOPE, "a/b", body.encode())
    assert (only.path, only.size, only.sha256) == ("m.gguf", 4, SUM)
    assert listed(MODEL_SCOPE, "a/b", b'{"Code": 404, "Data": null}') == []


@pytest.mark.parametrize("hub", [HUGGING_FACE, MODEL_SCOPE], ids=lambda hub: hub.kind)
@pytest.mark.parametrize("body", [b"<html>", b'{"Data": 5}', b"5"])
def test_another_shape_is_told(hub: Hub, body: bytes) -> None:
    """A mirror that answers with a page of its own is named."""
    with pytest.raises(PullFailed, match=r"lists a/b in a way that is not known"):
        listed(hub, "a/b", body)


def test_the_one_file_of_the_pattern_is_meant() -> None:
    """In whatever folder, whatever case."""
    files = [file("ggml-model-q4_k_m.gguf"), file("ggml-model-Q8_0.gguf"), file("README.md")]
    assert chosen(HUGGING_FACE, ENTRY, files) == files[0]


@pytest.mark.parametrize("names", [[], ["a-Q8_0.gguf"], ["a-Q4_K_M.gguf", "b-Q4_K_M.gguf"], ["a-00001-of-00002.gguf"]])
def test_no_or_several_files_are_told(names: list[str]) -> None:
    """With what is there instead; a model in pieces is none that we run."""
    entry = ENTRY if "of" not in "".join(names) else find("glm-edge-4b-chat")
    with pytest.raises(PullFailed, match=r"it has: "):
        chosen(HUGGING_FACE, entry, [file(name) for name in names])


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64])
def test_a_file_without_checksum_is_refused(sha256: str) -> None:
    """What cannot be checked is not fetched."""
    with pytest.raises(PullFailed, match="no SHA-256"):
        chosen(HUGGING_FACE, ENTRY, [file("a-Q4_K_M.gguf", sha256=sha256)])


def test_a_token_is_not_shown() -> None:
    """Neither in a log nor in a traceback."""
    assert "hf_secret" not in repr(dataclasses.replace(HUGGING_FACE, token="hf_secret"))
