"""The gateway twice in one process, before the same service: with all accounts on, and with all of it off.

On: a key with three limits and a hard budget, prices, the ledger on SQLite, a log line, metrics. Off: anybody may ask,
and nothing is counted, put down or logged. The same routes, connections and engines answer both.

Run as a process of its own (`python -m bench.gateway HOME`); lines on its standard input are questions about its CPU
time, each answered by a line, and it ends when they do.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from types import FrameType
from typing import Any, Final

import uvloop

from bench.start import pss_mib
from bench.upstream import MODEL
from glmgate.app import App, opened
from glmgate.app.interpreter import ready_to_serve
from glmgate.gateway.gateway import Gateway
from glmgate.gateway.identify import Anyone
from glmgate.policy.keyring import KeyOrder
from glmgate.settings import Settings, load
from glmgate.surfaces.application import Application, build
from glmgate.surfaces.server import listening, make
from glmgate.telemetry.log import configure
from glmgate.telemetry.record import NullObserver

MANY: Final = 10**9
TERMS: Final = {
    "rpm": MANY,
    "tpm": MANY,
    "in_flight": 10**6,
    "budgets": [{"limit": "1000000", "unit": "USD", "mode": "hard"}],
}
SETTINGS: Final = """
[[upstreams]]
name = "service"
profile = "zai"
base_url = "{url}"
credentials = ["env:SERVICE_KEY"]
concurrency = 1000

[[models]]
name = "{model}"

[[prices]]
model = "{model}"
currency = "USD"
input = "0.60"
cached_input = "0.11"
output = "2.20"
"""
SYNCS: Final = frozenset({"fsync", "fdatasync", "sync", "msync"})
SETTLED_S: Final = 0.25
"""In this time the ledger has written everything down: it gathers for 20 ms."""
WAITING: Final = 'glmgate_ledger_waiting_rows{where="journal"} 0.0'


@dataclass(frozen=True, slots=True)
class Told:
    """How both sides are reached."""

    key: str
    on: int
    off: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of CPU time of the whole process up to now, and of the thread that serves requests; and memory (PSS)."""

    cpu: float
    thread: float
    memory_mib: float


class Child:
    """The process, asked from outside."""

    def __init__(self, process: Popen[str]) -> None:
        self._process = process
        self.told = Told(**self._answer())

    def spent(self) -> Spent:
        """What it has spent, once its ledger has nothing left to do."""
        return Spent(**self._ask("spent"))

    def watched(self, *, on: bool) -> dict[str, int]:
        """Begin or end to watch what the serving thread calls; at the end, how often it called what."""
        return self._ask("watch" if on else "seen")

    def profiled(self, path: Path, *, on: bool) -> None:
        """Begin or end a profile of the serving thread."""
        self._ask(f"profile {path}" if on else f"profiled {path}")

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


@contextmanager
def gateway(home: Path, url: str) -> Iterator[Child]:
    """The process before the service at `url`, while the block runs."""
    (home / "glmgate.toml").write_text(SETTINGS.format(url=url, model=MODEL))
    command = [sys.executable, "-m", "bench.gateway", str(home)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=os.environ | {"SERVICE_KEY": "k" * 32}) as process:
        try:
            yield Child(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


class Calls:
    """Counts the calls by which a thread could wait for a disk: to sync a file, and anything of SQLite, which syncs.

    Those are made by functions of C, which the interpreter tells a profiler of.
    """

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def __call__(self, _: FrameType, event: str, called: object) -> None:
        """One event of the interpreter."""
        if event != "c_call":
            return
        self.found["all"] += 1
        name = getattr(called, "__name__", "")
        if name in SYNCS:
            self.found["sync"] += 1
        home = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__
        if home.startswith(("sqlite3", "_sqlite3")):
            self.found["sqlite"] += 1


async def _serve(home: Path) -> None:
    flags: dict[tuple[str, str], object] = {
        ("server", "port"): 0,
        ("log", "level"): "info",
        ("log", "format"): "json",
    }
    settings = load(home=home, flags=flags)
    with open(home / "log", "w", encoding="utf-8") as log:  # noqa: PTH123, ASYNC230
        configure(settings.log, stream=log)
        async with opened(settings) as app, AsyncExitStack() as stack:
            assert app.accounts is not None
            key = await app.accounts.keyring.make(KeyOrder(name="bench", terms=TERMS))
            on = await stack.enter_async_context(_listening(settings, app.http))
            off = await stack.enter_async_context(_listening(settings, without_accounts(app, settings)))
            ready_to_serve()
            _say(asdict(Told(app.accounts.keyring.text(key), on, off)))
            await _answer(app)


def without_accounts(app: App, settings: Settings) -> Application:
    """The same program with all of it off."""
    bare = Gateway(identify=Anyone(), catalogue=app.catalogue, observer=NullObserver(), clock=time.monotonic)
    return build(bare, app.http.services.operations, settings.server)


@asynccontextmanager
async def _listening(settings: Settings, application: Application) -> AsyncIterator[int]:
    """The port that it is served at."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with listening(settings.server) as sockets:
        server = make(application, settings.server, sockets, on_ready=lambda _, port: ready.set_result(port))
        serving = asyncio.create_task(server.serve(sockets))
        yield await ready
        server.should_exit = True
        await serving


async def _answer(app: App) -> None:
    """Answer what is asked, until nothing is."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    calls, profile = Calls(), cProfile.Profile(time.thread_time)
    while line := (await reader.readline()).decode().split():
        if line[0] == "spent":
            await asyncio.sleep(SETTLED_S)
            _say(asdict(Spent(time.process_time(), time.thread_time(), pss_mib(os.getpid()))))
            if WAITING not in (await app.http.services.operations.exposition()).body.decode():
                raise RuntimeError(f"the ledger was not written within {SETTLED_S} s: what it cost is not counted")
        elif line[0] == "watch":
            calls.found.clear()
            sys.setprofile(calls)
            _say({})
        elif line[0] == "seen":
            sys.setprofile(None)
            _say(calls.found)
        elif line[0] == "profile":
            profile = cProfile.Profile(time.thread_time)
            profile.enable()
            _say({})
        else:
            profile.disable()
            profile.dump_stats(line[1])
            _say({})


def _say(said: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until standard input ends."""
    uvloop.run(_serve(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
