"""Tests of the catalogue: what it may hold, and how a name is found."""

from __future__ import annotations

import re

import pytest

from glmgate.weights.catalogue import Entry, entries, find
from glmgate.weights.errors import UnknownModel


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_an_entry_can_be_pulled(entry: Entry) -> None:
    """A name that is a file's, a repository, one sort of file, a size; nothing here was verified yet."""
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,60}", entry.name)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.huggingface)
    assert not entry.modelscope or re.fullmatch(r"[\w.-]+/[\w.-]+", entry.modelscope)
    assert entry.file.endswith(".gguf")
    assert entry.bytes > 500_000_000
    assert not entry.verified


def test_names_are_unique() -> None:
    """And no built-in model's."""
    names = [entry.name for entry in entries()]
    assert len(set(names)) == len(names)
    assert not {"glmgate-tiny", "all-minilm-l6-v2"} & set(names)


def test_a_name_is_found_whatever_its_case() -> None:
    """As models' names are everywhere."""
    assert find("GLM-4.7-Flash").architecture == "deepseek2"


def test_the_nearest_name_is_told() -> None:
    """A slip of the pen costs one more try."""
    with pytest.raises(UnknownModel, match=r"Do you mean glm-edge-1\.5b-chat"):
        find("glm-edge-1.5-chat")
    with pytest.raises(UnknownModel, match=r"Known are: .*glm-4\.7-flash"):
        find("zzzzzzz")
