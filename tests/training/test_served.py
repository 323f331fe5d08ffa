"""Asking weights through the server, as `make model-eval` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.engine import EngineError
from training.evaluate import SHIPPED, ask
from training.examinations import seed_questions
from training.judging import judge, request
from training.served import serving


def test_the_shipped_model_is_judged_through_the_chat_api() -> None:
    """The first seed page's weather question is answered rightly by a started server."""
    made = seed_questions(thinking=False)["weather"]
    with serving(SHIPPED) as service:
        assert judge(made, ask(service, request(made))).right


def test_a_server_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    """A file that is no model ends the start, and nobody waits for it."""
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(EngineError, match="did not start"), serving(path):
        pass
