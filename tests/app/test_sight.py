"""Who watches: what a start with and without OpenTelemetry sets up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from glmgate.app import opened
from glmgate.errors import SettingsError
from tests.app.asking import settings, upstream
from tests.services import service

# A finder that knows nothing of the extra stands for an installation without it.
WITHOUT = """
import asyncio, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "opentelemetry" or name.startswith("opentelemetry."):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from pathlib import Path
from glmgate.app import opened
from glmgate.errors import SettingsError
from glmgate.settings import load

async def start(endpoint):
    flags = {("server", "auth"): False, ("otel", "endpoint"): endpoint}
    async with opened(load(environment={}, home=Path(sys.argv[1]), flags=flags)):
        return "opened"

print(asyncio.run(start(None)))
try:
    asyncio.run(start("http://127.0.0.1:4318"))
except SettingsError as error:
    print(error.message)
"""


def test_without_the_extra_only_who_asks_for_it_is_told(tmp_path: Path) -> None:
    """With the command that installs it."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    first, second = done.stdout.splitlines()
    assert first == "opened"
    assert "pip install 'glmgate[otel]'" in second


def test_nothing_of_opentelemetry_is_imported_where_it_is_off() -> None:
    """It takes a tenth of a second, and memory for as long as the server runs."""
    code = "import sys, glmgate.app, glmgate.cli.serve; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


async def test_headers_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    """Before anything is opened."""
    async with service("zai") as zai:
        text = upstream("zai", zai) + '[otel]\nendpoint = "http://127.0.0.1:4318"\nheaders = "env:NOWHERE"\n'
        with pytest.raises(SettingsError, match="NOWHERE"):
            async with opened(settings(tmp_path, text)):
                pass
