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
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import upstream
from bench.gateway import Child, gateway

ROUNDS, REQUESTS, CLIENTS = 15, 1000, 16
WATCHED = 500
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

    def medians(self) -> tuple[float, float, float, float]:
        """Of the time: with accounts, without, their difference pair by pair, and the serving thread's part of it."""
        pairs = list(zip(self.on, self.off, strict=True))
        return (
            statistics.median(one.cpu for one in self.on),
            statistics.median(one.cpu for one in self.off),
            statistics.median(on.cpu - off.cpu for on, off in pairs),
            statistics.median(on.thread - off.thread for on, off in pairs),
        )


class Client:
    """Kept connections to one port; each sends one request after the other."""

    def __init__(self, port: int, key: str, *, stream: bool) -> None:
        body = {
            "model": upstream.MODEL,
            "messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": TEXT}],
            "max_tokens": 500,
            "temperature": 0.7,
        } | ({"stream": True} if stream else {})
        data = msgspec.json.encode(body)
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        self._request = head.encode() + data
        self._port = port

    async def ask(self, times: int, *, clients: int = CLIENTS) -> float:
        """So many requests over so many connections; the seconds that they took."""
        began = time.perf_counter()
        await asyncio.gather(*(self._connection(times // clients) for _ in range(clients)))
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


async def costs(child: Child, *, stream: bool, rounds: int, requests: int) -> Costs:
    """Rounds of both sides in turn."""
    told = child.told
    on, off = (Client(port, told.key, stream=stream) for port in (told.on, told.off))
    found = Costs([], [])
    for client in (on, off):
        await client.ask(requests // 2)
    for number in range(rounds):
        for client, sides in ((on, found.on), (off, found.off))[:: 1 if number % 2 else -1]:
            sides.append(await _side(child, client, requests))
    return found


async def _side(child: Child, client: Client, requests: int) -> Side:
    before = await asyncio.to_thread(child.spent)
    took = await client.ask(requests)
    after = await asyncio.to_thread(child.spent)
    done = requests // CLIENTS * CLIENTS
    return Side((after.cpu - before.cpu) / done * 1e6, (after.thread - before.thread) / done * 1e6, done / took)


async def watched(child: Child, *, stream: bool) -> dict[str, int]:
    """What the serving thread calls for some requests."""
    client = Client(child.told.on, child.told.key, stream=stream)
    await asyncio.to_thread(child.watched, on=True)
    await client.ask(WATCHED)
    return await asyncio.to_thread(child.watched, on=False)


async def measure(*, rounds: int, requests: int, profile: Path | None) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with upstream.serving() as url, gateway(Path(folder), url) as child:
            print(f"{'accounts, µs of CPU':<22} {'on':>8} {'off':>8} {'more':>8} {'of it serving':>14} {'req/s':>7}")
            for name, stream in (("plain", False), ("streamed", True)):
                found = await costs(child, stream=stream, rounds=rounds, requests=requests)
                on, off, more, serving = found.medians()
                rate = statistics.median(side.rate for side in found.on)
                goal = f"   goal <= {GOAL_US} µs more" if not stream else ""
                print(f"a {name + ' request':<20} {on:>8.0f} {off:>8.0f} {more:>8.0f} {serving:>14.0f} {rate:>7.0f}{goal}", flush=True)
            seen = await watched(child, stream=False)
            print(
                f"{WATCHED} requests, calls of the serving thread: {seen.get('sync', 0)} to sync a file, "
                f"{seen.get('sqlite', 0)} of SQLite, of {seen.get('all', 0)} in C in all   goal: 0"
            )
            if profile is not None:
                for side, port in (("on", child.told.on), ("off", child.told.off)):
                    client = Client(port, child.told.key, stream=False)
                    path = profile.with_name(f"{profile.name}-{side}")
                    await asyncio.to_thread(child.profiled, path, on=True)
                    await client.ask(2000)
                    await asyncio.to_thread(child.profiled, path, on=False)


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"pairs of rounds [{ROUNDS}]")
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"requests of a round [{REQUESTS}]")
    parser.add_argument("--profile", type=Path, help="write profiles of the serving thread to PATH-on and PATH-off")
    given = parser.parse_args()
    asyncio.run(measure(rounds=given.rounds, requests=given.requests, profile=given.profile))


if __name__ == "__main__":
    main()
