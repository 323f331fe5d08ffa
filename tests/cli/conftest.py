"""The program in a home of its own, which tests of several commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program on a fresh machine."""
    return Program(tmp_path / "home")
