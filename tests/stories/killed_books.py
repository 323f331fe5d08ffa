"""Processes that book attempts as fast as they can, each killed with SIGKILL at a random moment; the last one ends.

Run as a program: `python -m tests.stories.killed_books HOME DATABASE_URL UPSTREAM_PORT KILLS SEED`. Each process is
forked from this one, so that 50 of them need no 50 starts; none of them knows that it will be killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from glmgate.policy.ledger import Ended
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.routing.books import KeptBooks, owner_of
from glmgate.storage.books import DurableJournal
from glmgate.storage.database import Database
from glmgate.storage.journal import own_journal
from glmgate.storage.writer import Writer
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Caller, Place

IN_FLIGHT = 16
LONGEST_S = 0.4
PLACE = Place("loop/glm-4.6", "loop", "glm-4.6")
PRICES = Prices([Price(model="glm-4.6", currency="USD", rates=Rates(prompt=10**9, answer=10**9))])
REQUEST = ChatRequest(model="glm-4.6", messages=[Message(role="user", content="Hi")], max_tokens=100)


async def main(home: Path, url: str, port: int, *, seconds: float) -> None:
    """Book attempts for a while, and end as a server does."""
    database = Database(url)
    writer = Writer(database, own_journal(home), home=home)
    await writer.open()
    journal = DurableJournal(writer)
    books = KeptBooks(journal=journal, instance=writer.instance, prices=PRICES)
    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(ask(books, journal, port, time.monotonic() + seconds))
    await writer.aclose()
    await database.aclose()


async def ask(books: KeptBooks, journal: DurableJournal, port: int, until: float) -> None:
    """One request after the other: booked, sent, answered, settled, ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        call = Call(request_id="same", caller=Caller(key_id="key"), surface="openai", books=books, model="glm-4.6")
        entry = await books.reserve(call, PLACE, REQUEST)
        writer.write(f"{call.uid}\n".encode())
        prompt, completion = (await reader.readline()).split()
        usage = Usage(int(prompt), int(completion))
        entry.whole(usage)
        journal.ended(
            Ended(
                uid=call.uid, request_id=call.request_id, at=time.time(), owner=owner_of(call.caller), model=call.model,
                answered_by="glm-4.6", endpoint="chat", surface="openai", ending="completed", seconds=0.0, attempts=1,
                usage=usage, billed=usage,
            )
        )  # fmt: skip
    writer.close()


def fork(home: Path, url: str, port: int, *, seconds: float) -> int:
    """A process that books; its id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        asyncio.run(main(home, url, port, seconds=seconds))
        status = 0
    finally:
        os._exit(status)


def run(home: Path, url: str, port: int, kills: int, chance: random.Random) -> int:
    """Kill one after the other, then let one live; its exit status."""
    Database(url)  # imports the driver, once for all
    for _ in range(kills):
        pid = fork(home, url, port, seconds=60)
        time.sleep(chance.uniform(0, LONGEST_S))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    _, status = os.waitpid(fork(home, url, port, seconds=0.1), 0)
    return status


if __name__ == "__main__":
    folder, database_url, upstream_port, times, seed = sys.argv[1:]
    sys.exit(run(Path(folder), database_url, int(upstream_port), int(times), random.Random(seed)))
