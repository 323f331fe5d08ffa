"""Where the environments are that `make test` makes for the clients, one for each version that is tested.

Nothing is made here: a missing environment is an error that says how to make it, never a skipped test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

Name = Literal["langchain", "openai-1", "openai-2", "openai-3", "zai", "zhipuai"]

ROOT: Final = Path(__file__).resolve().parents[2]


class EnvironmentMissing(Exception):
    """An environment was never made on this machine."""


def environment(name: Name) -> Path:
    """The Python with the client `name` installed, for a subprocess; raises EnvironmentMissing."""
    return _existing(ROOT / ".envs" / name / "bin" / "python")


def node_folder() -> Path:
    """The folder from which Node finds the packages of its lock; scripts stand there. Raises EnvironmentMissing."""
    return _existing(ROOT / "tests" / "clients" / "node" / "node_modules" / "openai").parents[1]


def wheelhouse() -> Path:
    """A folder with the files of the runtime lock, for `pip --no-index --find-links`; raises EnvironmentMissing."""
    return _existing(ROOT / ".envs" / "wheelhouse")


def _existing(path: Path) -> Path:
    if not path.exists():
        message = f"{str(path.relative_to(ROOT))!r} is missing; `make test` makes the clients' environments once"
        raise EnvironmentMissing(message)
    return path
