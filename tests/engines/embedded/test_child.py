"""The child process by itself: how it starts, and that it never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from glmgate.engines.embedded.child import apply
from glmgate.weights.builtin import builtin_models

pytestmark = pytest.mark.engine

CHILD = [sys.executable, "-P", "-m", "glmgate.engines.embedded.child"]
# Starts a child whose standard input is ours, prints its id, and waits to be killed.
PARENT = """
import json, os, subprocess, sys, time
config = json.loads(sys.argv[1])
config["parent"] = os.getpid()
reading, writing = os.pipe()
keep = int(sys.argv[2])
child = subprocess.Popen(sys.argv[3:], stdin=keep if keep else reading, stdout=subprocess.PIPE)
if keep:
    print(child.pid, os.getpid(), flush=True)
else:
    os.write(writing, json.dumps(config).encode() + b"\\n")
    print(child.pid, child.stdout.readline(), flush=True)
time.sleep(600)
"""


def config(folder: Path, *, parent: int | None = None, **parameters: Any) -> bytes:
    """The line that a child reads."""
    model = next(model for model in builtin_models() if model.kind == "chat")
    chosen = {
        "model.path": str(model.path),
        "n_ctx": 256,
        "cpuparams.n_threads": 1,
        "hostnames": [str(folder / "e.sock")],
        "ui": False,
        **parameters,
    }
    return json.dumps({"parent": parent or os.getpid(), "parameters": chosen}).encode() + b"\n"


@contextmanager
def child(line: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """A child that was given its configuration; killed in the end, whatever happened."""
    pipe = subprocess.PIPE
    with subprocess.Popen(CHILD, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(line)
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[bytes]) -> bytes:
    """The next line that it writes."""
    assert process.stdout is not None
    return process.stdout.readline()


def running(pid: int) -> bool:
    """Whether a process of that id runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    """Whether it ends in that time."""
    until = time.monotonic() + seconds
    while running(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not running(pid)


def test_attributes_are_set_by_dotted_names_and_unknown_ones_are_told() -> None:
    """A release of the library that renames one does not stop the start, but does not hide it either."""
    target = SimpleNamespace(n_ctx=0, model=SimpleNamespace(path=""))
    unknown = apply(target, {"n_ctx": 5, "model.path": "p", "model.nope": 1, "no.such": 1, "nothing": 1})
    assert (target.n_ctx, target.model.path) == (5, "p")
    assert unknown == ["model.nope", "no.such", "nothing"]


def test_a_child_says_when_it_serves_and_which_parameters_it_does_not_know(tmp_path: Path) -> None:
    """The line that the parent waits for."""
    with child(config(tmp_path, no_such_parameter=1)) as process:
        assert said(process) == b'READY {"unknown": ["no_such_parameter"]}\n'
        assert (tmp_path / "e.sock").is_socket()


def test_a_child_ends_when_its_standard_input_does(tmp_path: Path) -> None:
    """Which it does when the parent closes it or is gone, on every system."""
    with child(config(tmp_path)) as process:
        said(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_signals_that_reach_the_whole_group_do_not_end_it(tmp_path: Path) -> None:
    """Ctrl-C in a terminal and systemd's stop: its streams end first, then the parent ends it."""
    with child(config(tmp_path)) as process:
        said(process)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)


def test_a_child_whose_parent_has_ended_already_ends_at_once(tmp_path: Path) -> None:
    """The parent may end between its start and the child's request to die with it."""
    with child(config(tmp_path, parent=1)) as process:
        assert process.wait(timeout=10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills children with their parent")
@pytest.mark.parametrize("keeps_input", [False, True], ids=["ready", "loading"])
def test_a_child_ends_with_a_parent_that_is_killed(tmp_path: Path, *, keeps_input: bool) -> None:
    """By SIGKILL, which no parent can act on; also where its standard input stays open and it is not reading it."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", PARENT, config(tmp_path).decode(), str(reading if keeps_input else 0), *CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=[reading]) as parent:
        try:
            words = said(parent).split()
            pid = int(words[0])
            if keeps_input:
                os.write(writing, config(tmp_path, parent=int(words[1])))
                until = time.monotonic() + 10
                while not (tmp_path / "e.sock").exists() and time.monotonic() < until:
                    time.sleep(0.01)
            assert running(pid)
        finally:
            parent.kill()
    assert gone_within(pid, 5)
    os.close(reading)
    os.close(writing)
