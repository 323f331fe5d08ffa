"""How fast a start is, and what an idle server takes: from the interpreter's start to the first answer.

The server runs as users run it, in a process of its own with a fresh home.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the interpreter's start until ready and until the first answer; idle memory in MiB (PSS)."""

    ready_s: float
    answer_s: float
    idle_mib: float


def measure() -> Start:
    """One start in a fresh home: ready, idle memory before any child runs, then the first answer."""
    with tempfile.TemporaryDirectory() as home:
        port = _free_port()
        environment = os.environ | {"GLMGATE_HOME": home}
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "glmgate", "serve", "--port", str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            try:
                _wait(lambda: _get(f"http://127.0.0.1:{port}/readyz"))
                ready = time.perf_counter() - began
                assert server.stdout is not None
                key = next(line.split()[1] for line in server.stdout if line.split()[:1] == ["Key"])
                waited = time.perf_counter()
                idle = pss_mib(server.pid)
                unmeasured = time.perf_counter() - waited
                _chat(port, key)
                answer = time.perf_counter() - began - unmeasured
            finally:
                server.terminate()
    return Start(ready, answer, idle)


def _chat(port: int, key: str) -> None:
    body = {"model": "glmgate-tiny", "messages": [{"role": "user", "content": "Hello!"}]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310 -- loopback
        assert json.load(answer)["choices"][0]["message"]["content"]


def _get(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 -- loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + _PATIENCE_S
    while not until():
        if time.perf_counter() > deadline:
            raise RuntimeError("the server did not become ready")
        time.sleep(0.01)


def pss_mib(pid: int) -> float:
    """The process's proportional share of memory, without its children."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel tells no PSS")


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
