"""`glmgate top` as a command: whom it asks."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from glmgate.cli.main import main


@pytest.mark.parametrize("arguments", [[], ["--once"], ["--json"]])
def test_it_says_whose_address_it_has_asked(tmp_path: Path, arguments: list[str]) -> None:
    """That of the settings, where no other is given: a server may run with other flags."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        environment = {"GLMGATE_HOME": str(tmp_path), "GLMGATE_SERVER_PORT": str(port)}
        result = CliRunner().invoke(main, ["top", *arguments], env=environment)
        assert result.exit_code == 1
        assert f"No server answers at http://127.0.0.1:{port}" in result.stderr
        assert "the address of the settings" in result.stderr
        named = CliRunner().invoke(main, ["top", "--url", f"http://127.0.0.1:{port}"], env=environment)
        assert "address of the settings" not in named.stderr
