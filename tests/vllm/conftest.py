"""The opt-in lane: `make test-vllm`. Without the interpreter of a vLLM nothing here is collected but the records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vllm.replica import Replica, replica

PYTHON = os.environ.get("TEST_VLLM_PYTHON", "")

collect_ignore = [] if PYTHON else ["test_real_vllm.py"]


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """A replica that all tests share; the last one ends it."""
    with replica(Path(PYTHON), tmp_path_factory.mktemp("vllm")) as found:
        yield found
