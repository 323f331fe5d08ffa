"""A `glmgate serve` of our own: started as anybody starts it, in an empty home, and asked from outside.

Nothing of the package is imported: what is tested through this is a process, its port and its log.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.stories.asking import Place, Reply, ask

PATIENCE_S: Final = 60.0
"""How long a loaded machine may take; a fault shows as a time-out with the log, never as a hang."""

# One engine thread: the tests share the machine, and threads that spin while they wait take it from each other
# (engine facts 3, threads). A seed, because the pages' snippets bring none and a model of two million parameters says
# strange things now and then. Logs as JSON lines, because tests read them.
SETTINGS: Final = '[log]\nformat = "json"\n\n[engine]\nthreads = 1\nseed = 1\n'

KEY: Final = re.compile(r"\b[0-9a-f]{32}\.[\w-]{43}(?![\w-])")


class ServerFailed(Exception):
    """The server did not do what was waited for; the message ends with its log."""


@dataclass(slots=True)
class Served:
    """A running server, and the key that it made at its start."""

    home: Path
    port: int
    key: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def place(self) -> Place:
        """Where to ask, as the owner of the key."""
        return Place(self.port, f"Bearer {self.key}")

    def base(self, path: str) -> str:
        """A base URL, such as for `/v1`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def entries(self) -> list[dict[str, Any]]:
        """The log's lines."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def requests(self, *, after: int = 0) -> list[dict[str, Any]]:
        """The log's lines about requests, in the order of their endings, without the first `after`."""
        return [entry for entry in self.entries() if "ending" in entry][after:]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of a metric that carry these labels."""
        marks = [f'{label}="{value}"' for label, value in labels.items()]
        total = 0.0
        for line in ask(self.place, "GET", "/metrics").body.decode().splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == name and all(mark in sample for mark in marks):
                total += float(value)
        return total

    def children(self) -> list[int]:
        """The engine's processes: every process below the server, however deep."""
        found: list[int] = []
        waiting = [self.process.pid]
        while waiting:
            parent = waiting.pop()
            for task in Path(f"/proc/{parent}/task").glob("*"):
                with suppress(FileNotFoundError, ProcessLookupError):  # a thread may end between the two looks
                    below = [int(pid) for pid in (task / "children").read_text().split()]
                    found += below
                    waiting += below
        return found

    def engines(self) -> list[int]:
        """The processes that run a model."""
        return [pid for pid in self.children() if b"glmgate.engines.embedded.child" in command_of(pid)]

    def in_flight(self) -> int:
        """How many requests are being answered, as `/metrics` has it."""
        return int(self.metric("glmgate_requests_in_flight"))

    def taken(self) -> int:
        """How many requests hold or wait for a slot of any engine, as `/readyz` has it."""
        engines = ask(self.place, "GET", "/readyz").json["engines"].values()
        return sum(engine["busy"] + engine["waiting"] for engine in engines)

    def descriptors(self) -> int:
        """How many files, sockets and pipes the server has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        """How many threads the server has."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def stop(self) -> int:
        """End the server as a service manager does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerFailed(f"the server did not end within {PATIENCE_S} s of SIGTERM{self.tail()}") from None

    def tail(self) -> str:
        """The end of the log, for messages."""
        return "\n" + "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])


def reply_of(served: Served, body: dict[str, Any], *, base: str = "/v1", path: str = "/chat/completions") -> Reply:
    """The answer to a POST."""
    return ask(served.place, "POST", base + path, body)


@contextmanager
def serving(home: Path, settings: str = SETTINGS, *, key: str | None = None) -> Iterator[Served]:
    """A server with these settings, ready to answer; ended afterwards.

    `key` is one of the home's where the home has keys already: then none is made and shown.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "glmgate.toml").write_text(settings, encoding="utf-8")
    port = free_port()
    log = home / f"log-{port}.txt"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "glmgate", "serve", "--port", str(port)]
        environment = os.environ | {"GLMGATE_HOME": str(home)}
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    served = Served(home, port, "", process, log)
    try:
        await_ready(served)
        served.key = key or first_key(served)
        yield served
    finally:
        served.stop()


def first_key(served: Served) -> str:
    """The key that a server makes when there is none, as it shows it on that start."""
    await_true(lambda: KEY.search(served.log.read_text(encoding="utf-8")) is not None, PATIENCE_S)
    found = KEY.search(served.log.read_text(encoding="utf-8"))
    assert found is not None
    return found[0]


def run_glmgate(served: Served, *arguments: str) -> str:
    """What a command prints on standard output that works on the server's home."""
    command = [sys.executable, "-m", "glmgate", *arguments]
    environment = os.environ | {"GLMGATE_HOME": str(served.home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return done.stdout


def administrator(served: Served) -> str:
    """A new administrator's key."""
    return run_glmgate(served, "keys", "create", "--name", "administrator", "--admin").strip()


def command_of(pid: int) -> bytes:
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_true(condition: Callable[[], bool], within_s: float) -> float:
    """Wait until it holds; the seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"not within {within_s} s"
        time.sleep(0.01)
    return time.monotonic() - began


def await_ready(served: Served) -> None:
    """Return when `/readyz` says so."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if served.process.poll() is not None:
            raise ServerFailed(f"the server ended with {served.process.returncode}{served.tail()}")
        try:
            if ask(served.place, "GET", "/readyz").status == 200:
                return
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.05)
    raise ServerFailed(f"the server was not ready within {PATIENCE_S} s{served.tail()}")
