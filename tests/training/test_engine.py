"""Tests of how the engine is started and asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.engine import EngineError, running

MODEL = Path(__file__).resolve().parents[2] / "src" / "glmgate" / "weights" / "data" / "glmgate-tiny.gguf"

pytestmark = pytest.mark.engine


def test_an_engine_answers_while_the_block_lasts() -> None:
    """Inside the block the engine is healthy, after it the socket is gone."""
    with running(MODEL) as engine:
        assert engine.healthy()
    assert not engine.healthy()


def test_a_refusal_is_raised_with_the_engines_words() -> None:
    """A status other than 200 becomes an error that says what was refused and why."""
    with running(MODEL) as engine, pytest.raises(EngineError, match="/v1/chat/completions answered 400"):
        engine.post("/v1/chat/completions", {"messages": "none"})


def test_a_file_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    """An engine that cannot load its file is reported as one that did not start."""
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(EngineError, match="did not start"), running(path):
        pass
