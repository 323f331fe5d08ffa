"""What several workers cost: memory, the time to be ready and to be replaced, and what asking the parent adds.

`python -m bench.workers` measures; with a number it lends to the process whose end of a channel that is.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.start import answers, free_port, pss_mib
from glmgate.app import parent_counters
from glmgate.app.parent_counters import ParentCounters
from glmgate.policy.counters import Bucket, Change, Counters, MemoryCounters, Slot
from glmgate.routing.continuity import OwnPools
from glmgate.routing.interfaces import SlotPool
from glmgate.routing.lending import lending
from glmgate.routing.remote import RemotePools
from glmgate.storage.counters_sqlite import SqliteCounters
from glmgate.transport.peers import Peer, Services

ROUNDS = 2000
_ASKS = (Bucket("rpm", 10**9), Bucket("tpm", 10**9, 500), Slot("flight", 10**6))


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one take and give back: microseconds that it took, and of this process's CPU."""

    name: str
    wall_us: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server of so many workers, idle: seconds until ready, MiB of each process, seconds until one is replaced."""

    workers: int
    ready_s: float
    parent_mib: float
    worker_mib: float
    replaced_s: float


def server(workers: int) -> Server:
    """One start in a fresh home."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        command = [sys.executable, "-m", "glmgate", "serve", "--port", str(port), "--workers", str(workers)]
        began = time.perf_counter()
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=os.environ | {"GLMGATE_HOME": home}, stdout=quiet, stderr=quiet) as process:
            try:
                _until(
                    lambda: (
                        answers(f"http://127.0.0.1:{port}/readyz")
                        and len(_workers(process.pid)) == workers * (workers > 1)
                    )
                )
                ready_s = time.perf_counter() - began
                time.sleep(1)
                found = _workers(process.pid)
                mib = [pss_mib(pid) for pid in found]
                parent_mib = pss_mib(process.pid)
                replaced_s = _replaced(process.pid, found) if found else 0.0
            finally:
                process.terminate()
    return Server(workers, ready_s, parent_mib, statistics.mean(mib) if mib else 0.0, replaced_s)


def _workers(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    return [int(pid) for pid in children]


def _replaced(parent: int, workers: list[int]) -> float:
    """Seconds until a worker that is killed has another one in its place that uses as much memory."""
    wanted = 0.8 * pss_mib(workers[0])
    began = time.perf_counter()
    os.kill(workers[0], signal.SIGKILL)
    _until(lambda: any(pss_mib(pid) > wanted for pid in _workers(parent) if pid not in workers))
    return time.perf_counter() - began


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if condition():
                return
        except OSError:  # a process that is just beginning or ending
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not come to what is measured")
        time.sleep(0.01)


async def costs(rounds: int = ROUNDS) -> list[Cost]:
    """A credential's slot and a key's limits: in this process, of the parent, and in a file."""
    own = OwnPools()
    places = own.places("zai", ["a"], limit=64, queue_limit=8)
    found = [await _slot("slot, own", places.pool, rounds), await _cost("limits, own", _memory(), rounds)]
    async with _parent() as peer:
        remote = RemotePools(peer, {"zai": {"a": 0}}).places("zai", ["a"], limit=64, queue_limit=8)
        found += [
            await _slot("slot, parent", remote.pool, rounds),
            await _cost("limits, parent", _counted(ParentCounters(peer)), rounds),
        ]
    with tempfile.TemporaryDirectory() as folder:
        counters = SqliteCounters(Path(folder) / "counters.db")
        found.append(await _cost("limits, file", _counted(counters), rounds))
        await counters.aclose()
    return found


async def _slot(name: str, pool: SlotPool, rounds: int) -> Cost:
    async def once(_: int) -> None:
        with await pool.acquire("key", timeout_s=1) as lease:
            lease.went_well()

    return await _cost(name, once, rounds)


async def _cost(name: str, once: Callable[[int], Awaitable[None]], rounds: int) -> Cost:
    for number in range(rounds // 10):
        await once(-number)
    took, cpu = [], _cpu_s()
    for number in range(rounds):
        began = time.perf_counter()
        await once(number)
        took.append(time.perf_counter() - began)
    return Cost(name, statistics.median(took) * 1e6, (_cpu_s() - cpu) / rounds * 1e6)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory() -> Callable[[int], Awaitable[None]]:
    return _counted(MemoryCounters())


def _counted(counters: Counters) -> Callable[[int], Awaitable[None]]:
    async def once(number: int) -> None:
        await counters.take(str(number), _ASKS)
        await counters.settle(str(number), [Change(_ASKS[2])])

    return once


@contextmanager
def _lender() -> Iterator[socket.socket]:
    """Another process that lends, and this one's end of the channel to it."""
    here, there = socket.socketpair()
    command = [sys.executable, "-m", "bench.workers", str(there.fileno())]
    with subprocess.Popen(command, pass_fds=[there.fileno()]):
        there.close()
        yield here


@asynccontextmanager
async def _parent() -> AsyncIterator[Peer]:
    with _lender() as here:
        peer = Peer(Services())
        await peer.open(here)
        yield peer
        peer.close()
        await peer.lost.wait()


async def _lend(end: socket.socket) -> None:
    pools = OwnPools()
    pools.places("zai", ["a"], limit=64, queue_limit=8)
    lent = lending(pools.all)
    peer = Peer(Services(parent_counters.lending(MemoryCounters()).asks, lent.holds, lent.tells))
    await peer.open(end)
    await peer.lost.wait()


def main() -> None:
    """Measure and print, or lend."""
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        uvloop.run(_lend(socket.socket(fileno=int(sys.argv[1]))))
        return
    print("What a take and give back costs (medians; CPU of the asking process)")
    for cost in uvloop.run(costs()):
        print(f"{cost.name:<16} {cost.wall_us:>8.0f} us   {cost.cpu_us:>8.0f} us CPU", flush=True)
    print("\nworkers   ready   parent   each worker   replaced after")
    for workers in (1, 2, 4):
        one = server(workers)
        rest = f"{one.worker_mib:>9.0f} MiB {one.replaced_s:>12.2f} s" if workers > 1 else ""
        print(f"{workers:>7} {one.ready_s:>6.2f}s {one.parent_mib:>5.0f} MiB {rest}", flush=True)


if __name__ == "__main__":
    main()
