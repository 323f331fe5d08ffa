"""Projectors: the second file of a model that reads images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from bench.random_model import TINY, write
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Timeouts
from glmgate.weights.asking import Asker, Patience
from glmgate.weights.catalogue import Entry
from glmgate.weights.errors import PullFailed
from glmgate.weights.fit import need
from glmgate.weights.gguf import read_facts
from glmgate.weights.hub import Hub, locate
from glmgate.weights.pull import pull
from glmgate.weights.store import Store
from tests.fakes.hub import FILE, REPOSITORY, LoopbackHub, hub_of
from tests.projector import write_projector

SEEING = dataclasses.replace(TINY, architecture="chatglm")
ENTRY = Entry(
    name="some-model",
    huggingface=REPOSITORY,
    modelscope=REPOSITORY,
    file="*Q4_K_M.gguf",
    bytes=1,
    projector="mmproj-*.gguf",
    projector_bytes=1,
    architecture="chatglm",
    licence="MIT",
    verified=False,
)


class Quiet:
    """Watches a pull and says nothing."""

    def at(self, done: int, total: int) -> None:
        """Take how far it is."""

    def says(self, text: str) -> None:
        """Take a remark."""


async def _wait(_: float) -> None:
    """Wait for nothing."""


async def fetched(hub: LoopbackHub, entry: Entry, home: Path) -> Path:
    """Pull one file of a model."""
    transport = AiohttpTransport()
    patience = Patience(attempts=1, timeouts=Timeouts(connect_s=5, first_s=2, idle_s=2))
    try:
        asker = Asker(transport, token=None, patience=patience, watch=Quiet(), sleep=_wait)
        remote = await locate(Hub(kind="huggingface", endpoint=hub.url), entry, asker)
        return await pull(entry, remote, store=Store(home), hub=hub.url, asker=asker)
    finally:
        await transport.aclose()


@pytest.fixture
def projector(tmp_path: Path) -> bytes:
    """A projector that fits the tiny model."""
    return write_projector(tmp_path / "mm.gguf", embedding=TINY.width).read_bytes()


async def test_a_projector_lies_beside_its_model(tmp_path: Path, projector: bytes) -> None:
    """It is pulled like any file, is no model by itself, and is removed with its model."""
    home = tmp_path / "models"
    weights = write(tmp_path / FILE, SEEING).read_bytes()
    second = ENTRY.of_projector()
    assert second is not None
    async with hub_of(weights) as hub:
        hub.others["mmproj-model-f16.gguf"] = projector
        await fetched(hub, second, home)
        assert Store(home).models() == ()
        path = await fetched(hub, ENTRY, home)
    (model,) = Store(home).models()
    assert model.name == "some-model"
    found = read_facts(path).projector
    assert found is not None
    assert found.path.read_bytes() == projector
    Store(home).remove("some-model")
    assert list(home.iterdir()) == []


async def test_a_file_that_is_no_projector_is_not_kept(tmp_path: Path) -> None:
    """The hub's second file has to be what the catalogue says, or nothing of it stays."""
    weights = write(tmp_path / FILE, SEEING).read_bytes()
    second = ENTRY.of_projector()
    assert second is not None
    async with hub_of(weights) as hub:
        hub.others["mmproj-model-f16.gguf"] = weights
        with pytest.raises(PullFailed, match="which is no projector"):
            await fetched(hub, second, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_projector_takes_memory(tmp_path: Path, projector: bytes) -> None:
    """What a model needs holds its projector too."""
    path = write(tmp_path / "m.gguf", SEEING)
    alone = need(read_facts(path), context=512, slots=1).total
    (tmp_path / "m.mmproj.gguf").write_bytes(projector)
    assert need(read_facts(path), context=512, slots=1).total == alone + len(projector)


def test_a_file_that_would_stop_the_engine_reads_text_only(tmp_path: Path, projector: bytes) -> None:
    """A glm4 file that does not say how an image's places are turned aborts the engine, so it gets no projector."""
    path = write(tmp_path / "m.gguf", TINY)
    (tmp_path / "m.mmproj.gguf").write_bytes(projector)
    assert read_facts(path).projector is None


def test_a_text_model_has_no_projector() -> None:
    """Only entries with a projector have a second file."""
    assert msgspec.structs.replace(ENTRY, projector="").of_projector() is None
