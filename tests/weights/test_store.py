"""Tests of the folder of models: what is in it, and how it is emptied."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glmgate.weights.errors import UnknownModel
from glmgate.weights.store import Origin, Store

ORIGIN = Origin(hub="h", repository="a/b", file="f.gguf", sha256="0" * 64, bytes=3, licence="MIT")


def store(folder: Path, *names: str) -> Store:
    """A store with these files; each is a second older than the one before."""
    for age, name in enumerate(names):
        (folder / name).write_bytes(b"abc")
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    return Store(folder)


def test_a_folder_that_is_not_there_has_no_models(tmp_path: Path) -> None:
    """Nothing was pulled yet, and nothing is made by looking."""
    assert Store(tmp_path / "models").models() == ()
    assert not (tmp_path / "models").exists()


def test_the_newest_comes_first(tmp_path: Path) -> None:
    """Parts and notes are no models."""
    models = store(tmp_path, "b.gguf", "a.gguf", "c.json", "d.0123.part").models()
    assert [(model.name, model.bytes, model.origin) for model in models] == [("b", 3, None), ("a", 3, None)]


def test_the_origin_is_kept(tmp_path: Path) -> None:
    """A note that cannot be read costs the model nothing."""
    here = store(tmp_path, "a.gguf")
    here.note("a", ORIGIN)
    found = here.find("A")
    assert found is not None
    assert found.origin == ORIGIN
    (tmp_path / "a.json").write_text("{")
    assert here.models()[0].origin is None


def test_removing_takes_everything_of_a_model(tmp_path: Path) -> None:
    """File, note and parts, and nothing of another model whose name begins alike."""
    here = store(tmp_path, "a.gguf", f"a.{'0' * 16}.part", "a.b.gguf", f"a.b.{'0' * 16}.part")
    here.note("a", ORIGIN)
    assert here.remove("A") > 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.b.0000000000000000.part", "a.b.gguf"]


def test_a_part_alone_can_be_removed(tmp_path: Path) -> None:
    """A pull that was given up leaves a part, which has a name too."""
    assert store(tmp_path, f"a.{'0' * 16}.part").remove("a") == 3
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    """What is there is told; names do not lead out of the folder."""
    (tmp_path / "outside.gguf").write_bytes(b"x")
    (tmp_path / "models").mkdir()
    here = store(tmp_path / "models", "b.gguf")
    for name in ("a", "../outside", "*"):
        with pytest.raises(UnknownModel, match="were: b"):
            here.remove(name)
    assert (tmp_path / "outside.gguf").exists()
