"""The ledger of this process: the books that attempts are put down in, and who moves them into the database.

What is put down is decided by the books (`routing.books`), when it reaches the database by the writer (`storage`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from glmgate.gateway.rows import EndedRows
from glmgate.policy.budgets import NullPast, Past
from glmgate.policy.ledger import NullJournal
from glmgate.policy.usage import Reports
from glmgate.routing.books import KeptBooks
from glmgate.settings import Settings
from glmgate.storage.books import DurableJournal
from glmgate.storage.database import Database
from glmgate.storage.history import History
from glmgate.storage.journal import own_journal
from glmgate.storage.past import SqlPast
from glmgate.storage.reports import SqlReports
from glmgate.storage.writer import Writer
from glmgate.telemetry.ledger import LedgerNow
from glmgate.telemetry.record import NullObserver, Observer

_LESSONS: Final = 2000


@dataclass(frozen=True, slots=True)
class Ledger:
    """`books` for the gateway, `endings` for those who watch requests, `reports` for who asks; None without keys.

    `past` is what budgets begin with.
    """

    books: KeptBooks
    endings: Observer
    reports: Reports | None
    past: Past
    now: Callable[[], LedgerNow]


@asynccontextmanager
async def keeping(settings: Settings) -> AsyncIterator[Ledger]:
    """Open it, on a database that is up to date. Without keys (`--no-auth`) nothing is written to disk.

    Leaving it moves what is left; whatever makes attempts is closed before.
    """
    if not settings.server.auth:
        yield Ledger(
            KeptBooks(journal=NullJournal(), instance="", prices=settings.prices),
            NullObserver(),
            None,
            NullPast(),
            LedgerNow,
        )
        return
    async with AsyncExitStack() as stack:
        # Databases of their own: neither keys nor rows wait behind a report over a year.
        database, for_reports = Database(settings.storage.url), Database(settings.storage.url)
        stack.push_async_callback(for_reports.aclose)
        stack.push_async_callback(database.aclose)
        writer = Writer(database, own_journal(settings.home), home=settings.home)
        await writer.open()
        stack.push_async_callback(writer.aclose)
        journal = DurableJournal(writer, strict=settings.ledger.durability == "strict")
        books = KeptBooks(journal=journal, instance=writer.instance, prices=settings.prices)
        for lesson in await History(for_reports).recent(_LESSONS):
            books.estimator.learn(
                lesson.upstream,
                lesson.model,
                prompt_bytes=lesson.prompt_bytes,
                answer_bytes=lesson.answer_bytes,
                told=lesson.told,
            )
        yield Ledger(
            books,
            EndedRows(journal, clock=time.time),
            SqlReports(for_reports),
            SqlPast(for_reports, committed=writer.committed, instance=writer.instance),
            lambda: _now(writer, journal),
        )


def _now(writer: Writer, journal: DurableJournal) -> LedgerNow:
    numbers = writer.numbers
    return LedgerNow(
        waiting=numbers.waiting,
        held=numbers.held,
        commits=numbers.commits,
        failures=numbers.failures,
        unknown=numbers.lost,
        unbooked=journal.unbooked,
        refused=numbers.refused,
    )
