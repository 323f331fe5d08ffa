"""A person at a terminal: `glmgate chat` in a pseudo-terminal, typed to and read from."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 60.0

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(slots=True)
class Person:
    """Types and reads. `raw` is all that the terminal got."""

    process: subprocess.Popen[bytes]
    terminal: int
    raw: str = ""
    _seen: int = field(default=0)

    def type(self, text: str) -> None:
        """Type a line."""
        self.press(text + "\n")

    def press(self, keys: str) -> None:
        """Press keys, such as Ctrl-C (0x03)."""
        os.write(self.terminal, keys.encode())

    def see(self, wanted: str) -> str:
        """Wait until this is shown after what was seen before; what was shown up to there, without escapes."""
        end = time.monotonic() + PATIENCE_S
        while wanted not in (text := self._new()):
            assert time.monotonic() < end, f"{wanted!r} is not shown, but {text!r}"
            self._read()
        self._seen += text.index(wanted) + len(wanted)
        return text[: text.index(wanted) + len(wanted)]

    def interrupt(self, wanted: str) -> str:
        """Press Ctrl-C until this is shown: Python may not hear of the signal before the next key (its readline)."""
        end = time.monotonic() + PATIENCE_S
        while wanted not in (text := self._new()):
            assert time.monotonic() < end, f"{wanted!r} is not shown, but {text!r}"
            self.press("\x03")
            again = time.monotonic() + 2
            while wanted not in self._new() and time.monotonic() < again:
                self._read()
        return self.see(wanted)

    def leave(self) -> int:
        """Press Ctrl-D; the exit status."""
        self.press("\x04")
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end: {self._new()!r}"
            self._read()
        return self.process.returncode

    def _new(self) -> str:
        return _ESCAPES.sub("", self.raw).replace("\r", "")[self._seen :]

    def _read(self) -> None:
        if select.select([self.terminal], [], [], 0.05)[0]:
            try:
                self.raw += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:  # Linux: the program has ended
                time.sleep(0.01)


@contextmanager
def person(home: Path, *arguments: str, **variables: str) -> Iterator[Person]:
    """A person who has started `glmgate chat` with a home of its own."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "GLMGATE_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "100", **variables}
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *arguments],
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Person(process, ours)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(ours)


# The terminal has to be the one that controls the program: only then Ctrl-C becomes a signal. Tests in the background
# of a shell hand down that it is ignored.
_START = """
import fcntl, signal, sys, termios
signal.signal(signal.SIGINT, signal.default_int_handler)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from glmgate.cli.main import main
sys.argv = ["glmgate", "chat", *sys.argv[1:]]
main()
"""
