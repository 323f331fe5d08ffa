"""The journal that the books write to: one write before an attempt, and what happens where that is not possible."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typing_extensions import override

from glmgate.errors import Unavailable
from glmgate.policy.ledger import Row
from glmgate.storage.books import DurableJournal
from glmgate.storage.database import Database
from glmgate.storage.frames import unframed
from glmgate.storage.journal import FOLDER, own_journal
from glmgate.storage.opening import open_database
from glmgate.storage.writer import Writer
from glmgate.wire.engine import Place
from tests.storage.attempts import agree, ended, reserved, settled, states, uid

OWN = Place("tiny", "", "tiny")


class Taking(Writer):
    """A writer whose disk may be full, and which commits only when a test says so."""

    full = False
    silent = False

    @override
    def append(self, *rows: Row) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(*rows)

    @override
    async def committed(self) -> None:
        if self.silent:
            await asyncio.Event().wait()
        await super().committed()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    opened = await open_database(f"sqlite:///{tmp_path}/g.db")
    yield opened
    await opened.aclose()


@pytest.fixture
async def writer(database: Database, tmp_path: Path) -> AsyncIterator[Taking]:
    """A writer that runs."""
    made = Taking(database, own_journal(tmp_path), home=tmp_path, gather_s=0.005)
    await made.open()
    yield made
    made.full = False
    await made.aclose()


def journalled(home: Path) -> tuple[Row, ...]:
    """What the files of the journal hold."""
    files = sorted((home / FOLDER).glob("*.[0-9]*"))
    return unframed(b"".join(path.read_bytes() for path in files), most=1000).rows


async def test_a_row_is_in_the_file_when_the_call_returns(writer: Taking, tmp_path: Path) -> None:
    """So it survives the process from then on; the database need not have it."""
    journal = DurableJournal(writer)
    await journal.reserved(reserved(1))
    assert journalled(tmp_path) == (reserved(1),)
    journal.settled(settled(1))
    journal.ended(ended(1))
    assert journalled(tmp_path) == (reserved(1), settled(1), ended(1))


async def test_strict_waits_for_the_database(writer: Taking, database: Database) -> None:
    """When it returns, the reservation is committed."""
    await DurableJournal(writer, strict=True).reserved(reserved(1))
    assert await database.read(states) == {f"{uid(1)}.0": "reserved"}


async def test_strict_refuses_where_the_database_does_not_answer(writer: Taking, database: Database) -> None:
    """The error is the client's to see, and what stands in the journal already counts nothing."""
    writer.silent = True
    with pytest.raises(Unavailable, match="durability is 'strict'") as caught:
        await DurableJournal(writer, strict=True, within_s=0.02).reserved(reserved(1))
    assert caught.value.remedy == "tell"
    writer.silent = False
    await writer.committed()
    assert await database.read(states) == {f"{uid(1)}.0": "settled"}
    assert await agree(database) == {"attempts": 1, "prompt_tokens": 0, "completion_tokens": 0, "amount": 0}


async def test_what_somebody_bills_is_not_sent_where_it_cannot_be_booked(writer: Taking) -> None:
    """The full disk is told to the client, and no other deployment is tried: it would be the same there."""
    writer.full = True
    with pytest.raises(Unavailable, match="No space left") as caught:
        await DurableJournal(writer).reserved(reserved(1))
    assert caught.value.remedy == "tell"
    assert caught.value.retry_after_s == 5


async def test_our_own_engine_goes_on_and_what_is_missing_is_counted(
    writer: Taking, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Told once a minute; its settlement is left out with it."""
    journal = DurableJournal(writer)
    writer.full = True
    await journal.reserved(reserved(1, place=OWN))
    await journal.reserved(reserved(2, place=OWN))
    writer.full = False
    journal.settled(settled(1))
    await journal.reserved(reserved(3, place=OWN))
    await writer.committed()
    assert journal.unbooked == 2
    assert await database.read(states) == {f"{uid(3)}.0": "reserved"}
    assert caplog.text.count("are not booked") == 1
    assert writer.numbers.orphans == 0


async def test_what_came_of_an_attempt_never_fails(writer: Taking, database: Database) -> None:
    """On a full disk it waits in memory and goes into the database."""
    journal = DurableJournal(writer)
    await journal.reserved(reserved(1))
    await writer.committed()
    writer.full = True
    journal.settled(settled(1))
    journal.ended(ended(1))
    while writer.numbers.held:  # noqa: ASYNC110 -- the writer has no event for it
        await asyncio.sleep(0.005)
    assert await database.read(states) == {f"{uid(1)}.0": "settled"}
