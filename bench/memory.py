"""`python -m bench.memory`: memory after 20,000, 100,000 and 200,000 requests with all accounts on.

The whole program in one process, from its ASGI application to the ledger on SQLite; only the connections are left out:
a client that calls the application, and a transport that answers at once. Each request says something else. A part of
`make bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
import uvloop

from bench import upstream
from bench.gateway import SETTINGS, TERMS
from bench.start import pss_mib
from glmgate.app.memory import remembering
from glmgate.app.program import App, opened
from glmgate.app.routes import Routes
from glmgate.policy.keyring import KeyOrder
from glmgate.settings import load
from glmgate.surfaces.application import Application
from glmgate.telemetry.log import configure
from glmgate.transport.interfaces import Outgoing, Reply, StreamedReply

MARKS: Final = (20_000, 100_000, 200_000)
QUICK: Final = 10
"""A quick run has so many times fewer requests."""
CLIENTS: Final = 16
GOAL: Final = 5
SETTLED_S: Final = 0.5


class Answer:
    """A reply that is there."""

    status = 200
    headers: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it."""
        yield _BODY

    async def whole(self, max_bytes: int) -> bytes:  # noqa: ARG002 -- as the Protocol has it
        """All of it."""
        return _BODY


_BODY: Final = upstream.plain_body()


class Instant:
    """A transport to a service that answers at once."""

    @asynccontextmanager
    async def stream(self, request: Outgoing) -> AsyncIterator[StreamedReply]:  # noqa: ARG002 -- all are answered alike
        """Answer, after others had their turn."""
        await asyncio.sleep(0)
        yield Answer()

    fetch = stream

    async def post(self, request: Outgoing, *, max_bytes: int) -> Reply:  # noqa: ARG002 -- as above
        """Answer."""
        return Reply(Answer.status, Answer.headers, _BODY)

    get = post

    async def aclose(self) -> None:
        """Nothing is open."""


class Client:
    """Calls the application as a server would."""

    def __init__(self, application: Application, key: str) -> None:
        self._application = application
        self._key = key
        self._numbers = count()

    async def ask(self, times: int) -> None:
        """So many requests, some at a time."""
        await asyncio.gather(*(self._several(times // CLIENTS) for _ in range(CLIENTS)))

    async def _several(self, times: int) -> None:
        for _ in range(times):
            await self._one()

    async def _one(self) -> None:
        text = f"What is the weather in Rome on day {next(self._numbers)}?"
        document = {"model": upstream.MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 500}
        body = msgspec.json.encode(document)
        received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        received.put_nowait({"type": "http.request", "body": body, "more_body": False})
        statuses = []

        async def send(message: Any) -> None:  # noqa: ANN401 -- any of ASGI's messages
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self._application(_scope(self._key, len(body)), received.get, send)
        if statuses != [200]:
            raise RuntimeError(f"not answered: {statuses}")


def _scope(key: str, size: int) -> dict[str, Any]:
    path = "/v1/chat/completions"
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "headers": [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {key}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(size).encode()),
        ],
    }


async def _measure(home: Path, times: int) -> None:
    (home / "glmgate.toml").write_text(SETTINGS.format(url="http://127.0.0.1:9/v1", model=upstream.MODEL))
    settings = load(home=home, environment={"SERVICE_KEY": "k" * 32}, flags={("log", "format"): "json"})
    with open(home / "log", "w", encoding="utf-8") as log:  # noqa: PTH123, ASYNC230
        configure(settings.log, stream=log)
        async with opened(settings) as app, remembering(settings) as memory:
            app.gateway.catalogue = Routes([], memory, Instant()).catalogue(settings)
            await _report(app, times)


async def _report(app: App, times: int) -> None:
    assert app.accounts is not None
    key = await app.accounts.keyring.make(KeyOrder(name="bench", terms=TERMS))
    client = Client(app.http, app.accounts.keyring.text(key))
    done, first, began = 0, 0.0, time.perf_counter()
    for mark in (mark // times for mark in MARKS):
        await client.ask(mark - done)
        done = mark
        await asyncio.sleep(SETTLED_S)
        now = pss_mib(os.getpid())
        first = first or now
        took = time.perf_counter() - began
        change = 100 * (now / first - 1)
        print(
            f"memory after {mark:>7,} requests {now:>8.1f} MiB {change:>+6.1f} %   goal: ± {GOAL} % ({took:.0f} s)",
            flush=True,
        )


def main(*, quick: bool = False) -> None:
    """Measure and print, in a process that has done nothing else."""
    subprocess.run([sys.executable, "-m", "bench.memory", *(["--quick"] if quick else [])], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} times fewer requests")
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(_measure(Path(folder), QUICK if parser.parse_args().quick else 1))
