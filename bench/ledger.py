"""`python -m bench.ledger`: what booking costs a request, and how long questions to a large ledger take.

CPU time of the whole process for each request, the writer's thread and its commits included; then 10 million calls of
10,000 keys in a month, asked as `glmgate usage` asks (`--quick`: 200,000), and a key looked up beside them. A part of
`make bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from glmgate.gateway.rows import EndedRows
from glmgate.policy.keys import Key
from glmgate.policy.ledger import Journal, NullJournal
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.policy.usage import Dimension, UsageQuery
from glmgate.routing.books import KeptBooks
from glmgate.storage.books import DurableJournal
from glmgate.storage.database import Database
from glmgate.storage.journal import own_journal
from glmgate.storage.keys import SqlKeyStore, row_of
from glmgate.storage.opening import open_database
from glmgate.storage.reports import SqlReports
from glmgate.storage.rows import Series
from glmgate.storage.schema import keys
from glmgate.storage.writer import Writer
from glmgate.surfaces.uids import uid
from glmgate.telemetry.record import RequestRecord
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Caller, Place

ROWS, QUICK_ROWS = 10_000_000, 200_000
KEYS = 10_000
FINDS = 500
REQUESTS, AT_ONCE, ROUNDS = 4_000, 20, 5
MODELS = ("glm-4.6", "glm-4.5-air", "glm-4.7")
BY: tuple[Dimension, ...] = ("model", "key")
DAY = 86_400
START = 20_758 * DAY  # 2026-11-01
DAYS = 30

ASKS = Caller(key_id="key")
PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")
PRICES = Prices([Price(model="glm-4.6", currency="USD", rates=Rates(prompt=600_000_000, answer=2_200_000_000))])
REQUEST = ChatRequest(model="glm-4.6", messages=[Message(role="user", content="Hello" * 100)], max_tokens=500)


@dataclass(frozen=True, slots=True)
class Booking:
    """Microseconds for each request: on the request's own path, and of the processor in all."""

    path: float
    cpu: float


def main(*, quick: bool = False) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        kept, bare = asyncio.run(booking(home))
        print(f"booked on the request's path {kept.path:6.1f} us   without a journal {bare.path:.1f} us")
        print(f"booked, processor in all     {kept.cpu:6.1f} us   without a journal {bare.cpu:.1f} us")
        rows = QUICK_ROWS if quick else ROWS
        began = time.perf_counter()
        path = home / "large.db"
        asyncio.run(fill(path, rows))
        size = path.stat().st_size / 1e9
        print(f"a ledger of {rows:,} calls   {size:6.2f} GB   made in {time.perf_counter() - began:.0f} s")
        print(f"usage of the month by day    {asyncio.run(asked(path, None)):6.2f} s    goal <= 2 s")
        for by in BY:
            print(f"usage of the month by {by:<6} {asyncio.run(asked(path, by)):6.2f} s    goal <= 2 s", flush=True)
        alone, beside = asyncio.run(found(home / "small.db", 1)), asyncio.run(found(path, KEYS))
        print(f"a key of {KEYS:,} looked up {beside:7.0f} us   the only one {alone:.0f} us   goal: the same")


async def booking(home: Path) -> tuple[Booking, Booking]:
    """What a request costs in the books, with a journal and a database behind it, and without: the best rounds."""
    database = await open_database(f"sqlite:///{home}/books.db")
    writer = Writer(database, own_journal(home), home=home)
    await writer.open()
    durable = DurableJournal(writer)
    kept, bare = [], []
    for _ in range(ROUNDS):
        kept.append(await _booked(durable, writer))
        bare.append(await _booked(NullJournal(), None))
    await writer.aclose()
    await database.aclose()
    return _best(kept), _best(bare)


async def _booked(journal: Journal, writer: Writer | None) -> Booking:
    """Requests that come 20 at a time, each 1.3 ms, as from a machine that is busy with other things too."""
    books = KeptBooks(journal=journal, instance="bench", prices=PRICES)
    endings = EndedRows(journal, clock=time.time)
    path = 0.0
    cpu = time.process_time()
    for _ in range(REQUESTS // AT_ONCE):
        began = time.perf_counter()
        for _ in range(AT_ONCE):
            await _request(books, endings)
        path += time.perf_counter() - began
        await asyncio.sleep(0.025)
    if writer is not None:
        while writer.numbers.waiting:  # noqa: ASYNC110 -- the writer has no event for it
            await asyncio.sleep(0.01)
    return Booking(path / REQUESTS * 1e6, (time.process_time() - cpu) / REQUESTS * 1e6)


async def _request(books: KeptBooks, endings: EndedRows) -> None:
    call = Call(request_id="bench", caller=ASKS, surface="openai", uid=uid(), books=books, model="glm-4.6")
    entry = await books.reserve(call, PLACE, REQUEST)
    entry.whole(Usage(120, 80))
    endings.ended(
        RequestRecord(
            request_id="bench", key_id="key", surface="openai", endpoint="chat", model="glm-4.6", deployment="glm-4.6",
            ending="completed", usage=Usage(120, 80), total_s=1.0, uid=call.uid, organisation="default",
            project="default", charges=tuple(call.charges),
        )
    )  # fmt: skip


def _best(rounds: list[Booking]) -> Booking:
    return Booking(min(each.path for each in rounds), min(each.cpu for each in rounds))


async def fill(path: Path, rows: int) -> None:
    """A ledger of a month: so many calls, of all keys and models, with the sums that the writer would have kept."""
    await (await open_database(f"sqlite:///{path}")).aclose()
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        _fill_series(connection)
        connection.execute(_CALLS, {"rows": rows, "start": START, "seconds": DAYS * DAY, "series": KEYS * len(MODELS)})
        connection.execute(_SUMS)
        connection.execute("COMMIT")
    connection.close()


def _fill_series(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TEMP TABLE numbered (number INTEGER PRIMARY KEY, id INTEGER)")
    every = [
        Series(
            "default", f"project-{key % 50}", f"{key:032x}", model, model, f"zai/{model}", "zai", 0, "chat", "openai"
        )
        for key in range(KEYS)
        for model in MODELS
    ]
    marks = ", ".join("?" * (len(Series._fields) + 1))
    connection.executemany(f"INSERT INTO series VALUES ({marks})", [(each.id, *each) for each in every])  # noqa: S608
    connection.executemany("INSERT INTO numbered VALUES (?, ?)", enumerate(each.id for each in every))


async def asked(path: Path, by: Dimension | None) -> float:
    """Seconds that a question about the month takes, the best of three."""
    database = Database(f"sqlite:///{path}")
    query = UsageQuery(START, START + DAYS * DAY, "1d" if by is None else "all", () if by is None else (by,))
    took = []
    for _ in range(3):
        began = time.perf_counter()
        found = await SqlReports(database).attempts(query)
        took.append(time.perf_counter() - began)
        assert len(found) > 1
    await database.aclose()
    return min(took)


async def found(path: Path, count: int) -> float:
    """Microseconds that it takes to look a key up in the database where there are so many, the best of some rounds."""
    database = await open_database(f"sqlite:///{path}")
    made = [Key(id=f"{number:032x}", name="bench", created_at=START) for number in range(count)]
    await database.write(lambda connection: connection.execute(insert(keys), [row_of(key) for key in made]))
    store, best = SqlKeyStore(database), float("inf")
    for _ in range(ROUNDS):
        ids = [random.choice(made).id for _ in range(FINDS)]
        began = time.perf_counter()
        for key_id in ids:
            assert await store.find(key_id) is not None
        best = min(best, (time.perf_counter() - began) / FINDS)
    await database.aclose()
    return best * 1e6


_CALLS = """
WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :rows)
INSERT INTO ledger
SELECT printf('%032x.0', n), :start + n * 1.0 * :seconds / :rows, numbered.id, 'settled',
    CASE n % 50 WHEN 0 THEN 'cancelled' ELSE 'ok' END, 1000 + n % 500, 200 + n % 100, n % 300, 0,
    1, 0, 0, 1000000 + n % 1000, 'USD', 'zai/glm-4.6@always', n % 50 = 0, 'bench', 4000, 800,
    :start + n * 1.0 * :seconds / :rows + 3, 3.0, NULL, NULL, NULL
FROM counted JOIN numbered ON numbered.number = (counted.n * 2654435761) % :series
"""
_SUMS = """
INSERT INTO ledger_days
SELECT CAST(at / 86400 AS INTEGER), series_id, outcome, currency, count(*), count(*), sum(prompt_tokens),
    sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(calls), sum(images), sum(ms), sum(amount), 0,
    sum(estimated)
FROM ledger GROUP BY 1, 2, 3, 4
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200,000 calls in place of 10 million")
    main(quick=parser.parse_args().quick)
