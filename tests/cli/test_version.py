"""Tests of `glmgate version`."""

from __future__ import annotations

import platform

from click.testing import CliRunner

from glmgate.cli.main import main


def test_python_and_engine_are_told() -> None:
    """What a report of a fault has to hold."""
    said = CliRunner().invoke(main, ["version"]).stdout
    assert f"Python {platform.python_version()}" in said
    assert "xllamacpp " in said
