"""Asks the real engine: starts a child on a GGUF file and speaks JSON with it.

Knows nothing of the server's own engine package, so that the weights are judged apart from it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 120.0


class EngineError(Exception):
    """The engine did not start, or refused a request."""


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=ANSWER_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Engine:
    """A started engine."""

    path: str

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Send a body and return the answer; raises `EngineError` with the engine's words on any other status."""
        status, answer = self.ask("POST", path, json.dumps(body).encode())
        if status != http.HTTPStatus.OK:
            message = f"{path} answered {status}: {answer.decode(errors='replace')}"
            raise EngineError(message)
        value: dict[str, object] = json.loads(answer)
        return value

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request and return status and body."""
        connection = _SocketConnection(self.path)
        # A connection for each request: the engine closes kept ones now and then (engine facts 3.9).
        headers = {"Content-Type": "application/json", "Connection": "close"}
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()

    def healthy(self) -> bool:
        """Return whether the model is loaded."""
        try:
            return self.ask("GET", "/health")[0] == http.HTTPStatus.OK
        except OSError:
            return False


def _wait(engine: Engine, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not engine.healthy():
        if child.poll() is not None or time.monotonic() > deadline:
            message = f"the engine did not start (exit status {child.poll()!r}): see its output above"
            raise EngineError(message)
        time.sleep(0.02)


@contextlib.contextmanager
def running(model: Path, *, embedding: bool = False) -> Iterator[Engine]:
    """Run a GGUF file in a child process for as long as the block lasts."""
    # The short folder keeps the socket's path under the ~104 bytes that it may have.
    with tempfile.TemporaryDirectory(prefix="gg", dir="/tmp") as folder:  # private (0700), see above
        path = str(Path(folder) / "s.sock")
        command = [sys.executable, "-m", "training.engine_child", str(model), path]
        if embedding:
            command.append("--embedding")
        environment = {"OMP_WAIT_POLICY": "passive"}  # spinning threads starve each other on a shared machine
        root = Path(__file__).resolve().parent.parent
        with subprocess.Popen(  # noqa: S603 # our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, cwd=root
        ) as child:
            try:
                engine = Engine(path)
                _wait(engine, child)
                yield engine
            finally:
                child.kill()
