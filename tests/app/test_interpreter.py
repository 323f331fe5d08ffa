"""The interpreter of a process that serves; tried in one of its own, since it is changed for good."""

from __future__ import annotations

import subprocess
import sys

SAID = """
import gc, sys
from glmgate.app.interpreter import ready_to_serve
before = gc.get_freeze_count()
ready_to_serve()
print(before, gc.get_freeze_count() > 1000, round(sys.getswitchinterval(), 6))
"""


def test_what_is_here_stays_and_threads_take_turns_soon() -> None:
    """No later collection walks over the program, and a waiting thread may insist after 0.1 ms."""
    done = subprocess.run([sys.executable, "-c", SAID], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "True", "0.0001"]
