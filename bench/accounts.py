"""`python -m bench.accounts`: what all accounts cost a relayed request, in CPU time. A part of `make bench`.

The whole gateway before a service on loopback: with a key, three limits, a hard budget, prices, the ledger on SQLite, a
log line and metrics, and with nothing of that; both in one process, in turn. All of the process's time counts, the
ledger's thread and its commits included.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import upstream
from bench.gateway import Child, gateway

ROUNDS, REQUESTS, CLIENTS = 25, 480, 16
QUICK_ROUNDS = 3
WATCHED = 480
PROFILED = 1920
GOAL_US = 120
TEXT = "What is the weather in Rome, and what should I wear there tomorrow? " * 6


@dataclass(frozen=True, slots=True)
class Side:
    """Microseconds of CPU for a request: in all, and of the thread that serves requests; and requests a second."""

    cpu: float
    thread: float
    rate: float


@dataclass(frozen=True, slots=True)
class Costs:
    """Pairs of both sides."""

    on: list[Side]
    off: list[Side]

    def row(self, of: Callable[[Side], float]) -> str:
        """With, without, and how much more: in the best rounds, and in the median of the pairs."""
        best, bare = (min(map(of, sides)) for sides in (self.on, self.off))
        pairs = [of(on) - of(off) for on, off in zip(self.on, self.off, strict=True)]
        return f"{best:>8.0f} {bare:>8.0f} {best - bare:>8.0f} {statistics.median(pairs):>14.0f}"


class Client:
    """Kept connections to one port; each sends one request after the other."""

    def __init__(self, port: int, key: str, *, stream: bool) -> None:
        body = {
            "model": upstream.MODEL,
            "messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": TEXT}],
            "max_tokens": 500,
            "temperature": 0.7,
        }
        data = msgspec.json.encode(body | ({"stream": True} if stream else {}))
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        self._request = head.encode() + data
        self._port = port

    async def ask(self, times: int) -> float:
        """So many requests over so many connections; the seconds that they took."""
        began = time.perf_counter()
        await asyncio.gather(*(self._connection(times // CLIENTS) for _ in range(CLIENTS)))
        return time.perf_counter() - began

    async def _connection(self, times: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            for _ in range(times):
                writer.write(self._request)
                await self._answer(reader)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"not answered: {head!r} {await reader.read(500)!r}")
        if b"transfer-encoding: chunked" in head:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def costs(child: Child, *, stream: bool, rounds: int) -> Costs:
    """Rounds of both sides in turn."""
    told = child.told
    on, off = (Client(port, told.key, stream=stream) for port in (told.on, told.off))
    found = Costs([], [])
    for client in (on, off):
        await client.ask(REQUESTS)
    for number in range(rounds):
        for client, sides in ((on, found.on), (off, found.off))[:: 1 if number % 2 else -1]:
            sides.append(await _side(child, client))
    return found


async def _side(child: Child, client: Client) -> Side:
    before = await asyncio.to_thread(child.spent)
    took = await client.ask(REQUESTS)
    after = await asyncio.to_thread(child.spent)
    each = 1e6 / REQUESTS
    return Side((after.cpu - before.cpu) * each, (after.thread - before.thread) * each, REQUESTS / took)


async def measure(*, rounds: int, profile: Path | None) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with upstream.serving() as url:
            # In a thread: the process is read from while it starts.
            opening = gateway(Path(folder), url)
            child = await asyncio.to_thread(opening.__enter__)
            try:
                await _report(child, rounds, profile)
            finally:
                opening.__exit__(None, None, None)


async def _report(child: Child, rounds: int, profile: Path | None) -> None:
    told = child.told
    print(f"{'accounts, µs of CPU':<30} {'on':>8} {'off':>8} {'more':>8} {'median of more':>14}")
    for name, stream in (("a plain request", False), ("a streamed request", True)):
        found = await costs(child, stream=stream, rounds=rounds)
        goal = "" if stream else f"   goal: <= {GOAL_US} more"
        print(f"{name:<30} {found.row(lambda side: side.cpu)}{goal}")
        print(f"{'  of it the serving thread':<30} {found.row(lambda side: side.thread)}")
        rate = statistics.median(side.rate for side in found.on)
        print(f"  at {rate:.0f} requests a second of {CLIENTS} clients, best and median of {rounds} pairs", flush=True)
    on = Client(told.on, told.key, stream=False)
    await asyncio.to_thread(child.watched, on=True)
    await on.ask(WATCHED)
    seen = await asyncio.to_thread(child.watched, on=False)
    print(
        f"{WATCHED} requests: of {seen.get('all', 0)} calls into C of the serving thread {seen.get('sync', 0)} sync a "
        f"file, {seen.get('sqlite', 0)} are SQLite's   goal: 0"
    )
    if profile is not None:
        for name, port in (("on", told.on), ("off", told.off)):
            path = profile.with_name(f"{profile.name}-{name}")
            await asyncio.to_thread(child.profiled, path, on=True)
            await Client(port, told.key, stream=False).ask(PROFILED)
            await asyncio.to_thread(child.profiled, path, on=False)


def main(*, quick: bool = False, profile: Path | None = None) -> None:
    """Measure and print."""
    asyncio.run(measure(rounds=QUICK_ROUNDS if quick else ROUNDS, profile=profile))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} pairs in place of {ROUNDS}")
    parser.add_argument("--profile", type=Path, help="write profiles of the serving thread to PATH-on and PATH-off")
    given = parser.parse_args()
    main(quick=given.quick, profile=given.profile)
