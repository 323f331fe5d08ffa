"""A worker's part of what the server may use; what it does with it is told by the stories of workers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from glmgate.app.worker import share
from glmgate.settings import load


@pytest.mark.parametrize(
    ("workers", "bodies", "answers", "thoughts"), [(1, 256, 64, 1), (4, 64, 16, 4), (64, 32, 1, 64)]
)
def test_memory_is_shared_out(tmp_path: Path, workers: int, bodies: int, answers: int, thoughts: int) -> None:
    """All workers together take what one process would; each can still hold the largest body and answer."""
    settings = load(environment={}, home=tmp_path)
    found = share(replace(settings, server=replace(settings.server, workers=workers)))
    assert found.server.total_body_bytes == bodies << 20
    assert found.cache.most_bytes == answers << 20
    assert found.reasoning.front_bytes == settings.reasoning.front_bytes // thoughts
