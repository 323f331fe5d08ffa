"""Where the environments are that `make test` makes for the clients, one for each version that is tested.

Nothing is made here: a missing environment is an error that says how to make it, never a skipped test. The one
exception is a client that does not run on the Python of the tests: `unfit` says why.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

import pytest

from tools import environments as made

Name = Literal["langchain", "langchain-glm", "openai-1", "openai-2", "openai-3", "zai", "zhipuai"]

ROOT: Final = Path(__file__).resolve().parents[2]


class EnvironmentMissing(Exception):
    """An environment was never made on this machine."""


def unfit(name: Name) -> str | None:
    """Why there is no such environment for this Python; None where there is one."""
    return made.unfit(made.CLIENTS / f"{name}.txt")


def needs(name: Name) -> pytest.MarkDecorator:
    """Skips the tests of a client where this Python is not one for it."""
    why = unfit(name)
    return pytest.mark.skipif(why is not None, reason=str(why))


NAMES: Final = tuple(pytest.param(name, marks=needs(name)) for name in get_args(Name))
"""Every client, for tests that are about each."""


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
