"""The clients' environments hold what their locks say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import cast, get_args

import pytest

from tests.clients.environments import NAMES, EnvironmentMissing, Name, environment, needs, node_folder, wheelhouse
from tools.environments import unfit

LOCKS = Path(__file__).resolve().parents[2] / "requirements" / "clients"


def test_every_lock_has_a_name() -> None:
    """A client that was added to the locks can be asked for, and no other."""
    assert set(get_args(Name)) == {lock.stem for lock in LOCKS.glob("*.txt")}


def test_a_missing_environment_says_how_to_make_it() -> None:
    """A test of a client that was never set up fails, with the command that helps."""
    with pytest.raises(EnvironmentMissing, match=r"'\.envs/nobody/bin/python' is missing; `make test`"):
        environment(cast("Name", "nobody"))


def test_a_client_that_is_not_for_this_python_is_left_out() -> None:
    """Its bound is a line of its own file; all others are for every Python of the project."""
    bounded = {lock.stem: unfit(lock, (3, 13)) for lock in LOCKS.glob("*.txt") if unfit(lock, (3, 13))}
    assert bounded == {"langchain-glm": "langchain-glm needs a Python below 3.12, and this one is 3.13"}
    assert unfit(LOCKS / "langchain-glm.txt", (3, 11)) is None
    assert needs("langchain-glm").args == (sys.version_info >= (3, 12),)
    assert needs("langchain").args == (False,)


@pytest.mark.clients
@pytest.mark.parametrize("name", NAMES)
def test_an_environment_holds_the_locked_versions(name: Name) -> None:
    """What is installed is what the lock pins, package by package (a marker may leave one out)."""
    ask = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    done = subprocess.run([environment(name), "-c", ask], capture_output=True, text=True, check=True)
    installed = {re.sub(r"[-_.]+", "-", line).lower() for line in done.stdout.split()}
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    pinned = {re.sub(r"[-_.]+", "-", pin).lower() for pin in re.findall(r"(?m)^[\w.-]+==[^ ;\\]+", text)}
    assert installed
    assert installed <= pinned


@pytest.mark.clients
def test_the_other_environments_are_there() -> None:
    """Node's packages and the files for an offline install of the wheel."""
    assert (node_folder() / "package-lock.json").is_file()
    assert any(wheelhouse().glob("xllamacpp-*.whl"))
