"""A real vLLM on this machine's processor, with weights that say what is written in `scripted_weights`.

What it must answer is in the tests. It takes a minute and 2.4 GiB (distributed facts 1).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.stories.asking import Place, ask
from tests.stories.served import command_of, free_port

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = "glm-4.6"
CONTEXT: Final = 1024
PATIENCE_S: Final = 300.0
# For its processor build (distributed facts 1): without them it takes all cores, asks the network and reports its use.
VARIABLES: Final = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}


@dataclass(frozen=True, slots=True)
class Replica:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def base_url(self) -> str:
        """What an upstream's settings have."""
        return f"http://127.0.0.1:{self.port}/v1"

    def workers(self) -> list[int]:
        """The processes that hold the model."""
        group = os.getpgid(self.process.pid)
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            pid = int(folder.name)
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) == group and pid != self.process.pid and b"Worker" in command_of(pid):
                    found.append(pid)
        return found

    def tail(self) -> str:
        """The end of its log, for messages."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4_000:]


@contextmanager
def replica(python: Path, folder: Path) -> Iterator[Replica]:
    """Start one with that interpreter; its whole group is ended afterwards, because its workers outlive it."""
    weights = folder / "weights"
    subprocess.run([python, "-m", "tests.vllm.scripted_weights", weights], cwd=ROOT, check=True, timeout=PATIENCE_S)
    port = free_port()
    arguments = [
        *("--model", str(weights), "--served-model-name", NAME, "--enforce-eager"),
        *("--max-model-len", str(CONTEXT), "--host", "127.0.0.1", "--port", str(port)),
        *("--reasoning-parser", "glm45", "--tool-call-parser", "glm45", "--enable-auto-tool-choice"),
    ]
    log = folder / "vllm.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "vllm.entrypoints.openai.api_server", *arguments],
            cwd=folder,
            env=os.environ | VARIABLES,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    found = Replica(port, process, log)
    try:
        await_ready(found)
        yield found
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_ready(found: Replica) -> None:
    """Return when it answers; AssertionError with its log when it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert found.process.poll() is None, found.tail()
        with suppress(OSError):  # it does not listen yet
            if ask(Place(found.port, None), "GET", "/health").status == 200:
                return
        time.sleep(0.5)
    raise AssertionError(found.tail())
