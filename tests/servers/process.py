"""A server's process: a folder of its own, an ordinary user, and an end together with the tests."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# PostgreSQL refuses to be run by root; Debian's package brings this user.
USER = "postgres"


class ServerFailed(Exception):
    """A server that is installed did not start; the message holds what it wrote."""


def folder(name: str) -> Path:
    """A folder for a server, short enough for a UNIX socket's path, open to the user that the server runs as."""
    made = Path(tempfile.mkdtemp(prefix=f"glmgate-{name}-"))
    if os.geteuid() == 0:
        shutil.chown(made, USER, USER)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def as_user(command: Sequence[str | Path]) -> list[str]:
    """The command as an ordinary user runs it, ended by the kernel when this process is gone, however it went."""
    words = [str(word) for word in command]
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return words
    user = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"] if os.geteuid() == 0 else []
    return [setpriv, *user, "--pdeathsig=INT", *words]


class Server:
    """A running server; `log` is what it writes."""

    def __init__(self, command: Sequence[str | Path], *, home: Path, is_ready: Callable[[], bool]) -> None:
        self._command = as_user(command)
        self._home = home
        self._is_ready = is_ready
        self.log = home / "server.log"
        self.start()
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._home, stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}
            )
        for _ in range(600):
            if self._is_ready():
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise ServerFailed(self.log.read_text(errors="replace"))

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it and wait; by the signal that both servers take as: at once, but in order."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(30)
