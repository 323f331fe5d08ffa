"""Asks weights as an application would: starts `glmgate serve` on a GGUF file and speaks the chat API with it.

Only the start and the asking; what is asked is `examinations`. Needs an environment with glmgate, and no torch.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.engine import ANSWER_TIMEOUT_S, START_TIMEOUT_S, EngineError

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/v1\b")


@dataclass(frozen=True, slots=True)
class Service:
    """A started server and the name of the model that is asked there."""

    port: int
    model: str

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Send a body and return the answer; raises `EngineError` with the server's words on any other status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_TIMEOUT_S)
        with contextlib.closing(connection):
            sent = json.dumps({"model": self.model, **body}).encode()
            connection.request("POST", path, sent, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        if response.status != http.HTTPStatus.OK:
            message = f"{path} answered {response.status}: {answer.decode(errors='replace')}"
            raise EngineError(message)
        value: dict[str, object] = json.loads(answer)
        return value


@contextlib.contextmanager
def serving(model: Path) -> Iterator[Service]:
    """Serve a GGUF file, named by its file, for as long as the block lasts: on loopback, without keys."""
    with tempfile.TemporaryDirectory(prefix="gg") as home:
        command = [sys.executable, "-m", "glmgate", "serve", "--no-auth", "--port", "0", "--parallel", "4"]
        command += ["--home", home, "--model", str(model)]
        with subprocess.Popen(  # noqa: S603 # our own module
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as child:
            try:
                yield Service(_port(child), model.stem)
            finally:
                child.terminate()


def _port(child: subprocess.Popen[str]) -> int:
    """The port that the banner tells. Raises EngineError when there is none in time."""
    # Ends a server that says nothing, and so the reading of what it says.
    timer = threading.Timer(START_TIMEOUT_S, child.kill)
    timer.start()
    try:
        for line in child.stdout or ():
            if (found := _ADDRESS.search(line)) is not None:
                return int(found[1])
    finally:
        timer.cancel()
    message = "the server did not start: try `glmgate serve --no-auth`"
    raise EngineError(message)
