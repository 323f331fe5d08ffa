"""A process of its own that counts in a store: `python -m tests.storage.counters_process KIND PLACE WHAT …`.

`race NAME COUNT` asks that often of a bucket of 1,000, and of slots and money as many, and prints how many it was
granted. `hold COUNT` takes slots, and a tenth of a budget for each of them, says so, and renews all of it until it is
killed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from glmgate.policy.counters import Ask, Bucket, Counters, Slot, Spend, Taken
from glmgate.storage.counters_postgres import PostgresCounters
from glmgate.storage.counters_redis import RedisCounters
from glmgate.storage.counters_sqlite import SqliteCounters

LIMIT = 1000
AT_ONCE = 8
LIKELY = 7
# Paid back so slowly that nothing of it comes back within a test.
SLOW_S = 1_000_000.0


def opened(kind: str, place: str) -> SqliteCounters | PostgresCounters | RedisCounters:
    """The store of that kind at that place."""
    if kind == "sqlite":
        return SqliteCounters(Path(place))
    return PostgresCounters(place) if kind == "postgres" else RedisCounters(place)


async def race(counters: Counters, name: str, count: int) -> int:
    """Ask that often, a few at the same time; how often it was granted."""
    print("ready", flush=True)  # noqa: T201 -- it speaks to the test
    sys.stdin.readline()  # so that all begin together, however long each took to start
    until = time.time() + 3600
    await counters.load({"money": (0, until)})
    numbers = iter(range(count))

    async def some() -> int:
        granted = 0
        for number in numbers:
            asks: list[Ask] = [
                Bucket("rpm", LIMIT, 1, SLOW_S), Slot("slots", LIMIT + 5), Spend("money", 3, until, 3 * LIMIT + 2)
            ]  # fmt: skip
            granted += isinstance(await counters.take(f"{name}-{number}", asks), Taken)
        return granted

    return sum(await asyncio.gather(*(some() for _ in range(AT_ONCE))))


async def hold(counters: Counters, count: int) -> None:
    """Hold so many slots for ever, and so many tenths of a budget."""
    holders = [f"held-{number}" for number in range(count)]
    until = time.time() + 3600
    await counters.load({"money": (0, until)})
    for holder in holders:
        asks: list[Ask] = [Slot("full", count), Spend("money", 100, until, 1000, likely=LIKELY)]
        assert isinstance(await counters.take(holder, asks), Taken)
    while True:
        leases = [("money", holder, 100 - LIKELY) for holder in holders]
        await counters.renew([("full", holder) for holder in holders], leases)
        print("held", flush=True)  # noqa: T201 -- as above
        await asyncio.sleep(0.1)


async def main(kind: str, place: str, what: str, *rest: str) -> None:
    """Do what the arguments say."""
    counters = opened(kind, place)
    if what == "race":
        print(await race(counters, rest[0], int(rest[1])))  # noqa: T201 -- as above
        await counters.aclose()
    else:
        await hold(counters, int(rest[0]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
