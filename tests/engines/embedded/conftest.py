"""Real engines for the tests of this folder: the shipped models, and random ones where speed and not words matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.random_model import SLOW, TINY, write
from glmgate.engines.embedded.spec import LocalModel
from glmgate.weights.builtin import builtin_models


@pytest.fixture(scope="session")
def shipped_chat() -> LocalModel:
    """The shipped chat model."""
    model = next(model for model in builtin_models() if model.kind == "chat")
    return LocalModel(model.name, model.path)


@pytest.fixture(scope="session")
def shipped_embedding() -> LocalModel:
    """The shipped embedding model."""
    model = next(model for model in builtin_models() if model.kind == "embedding")
    return LocalModel(model.name, model.path, "embedding")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, some thousand tokens a second."""
    return write(tmp_path_factory.mktemp("models") / "tiny.gguf", TINY)


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, some hundred tokens a second: an answer that lasts."""
    return write(tmp_path_factory.mktemp("models") / "slow.gguf", SLOW)
