"""The writer: what was journalled reaches the database in groups, once, whoever dies or is away in between."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, select
from typing_extensions import override

from glmgate.errors import InvalidRequest, Unavailable
from glmgate.policy.ledger import Row
from glmgate.storage.database import Database
from glmgate.storage.frames import framed
from glmgate.storage.instances import LEASE_S
from glmgate.storage.journal import FOLDER, OwnJournal, own_journal
from glmgate.storage.ledger import move
from glmgate.storage.opening import open_database
from glmgate.storage.schema import instances
from glmgate.storage.writer import Writer
from tests.fakes.clock import FakeClock
from tests.storage.attempts import NOW, agree, ended, reserved, settled, states, uid

_T = TypeVar("_T")


class Moody(Database):
    """A database that is away when a test says so, and counts its transactions."""

    away = False
    poison: str | None = None
    appends = 0

    @override
    async def append(self, work: Callable[[Connection], _T]) -> _T:
        if self.away:
            raise Unavailable("The database cannot be used: it is away.")
        self.appends += 1
        return await super().append(partial(self._poisoned, work))

    @override
    async def append_each(
        self, next_work: Callable[[], Callable[[Connection], _T] | None], done: Callable[[_T], None]
    ) -> None:
        def next_moody() -> Callable[[Connection], _T] | None:
            work = next_work()
            if work is None:
                return None
            if self.away:
                raise Unavailable("The database cannot be used: it is away.")
            self.appends += 1
            return partial(self._poisoned, work)

        await super().append_each(next_moody, done)

    def _poisoned(self, work: Callable[[Connection], _T], connection: Connection) -> _T:
        result = work(connection)
        if self.poison is not None and self.poison in states(connection):
            raise InvalidRequest("The database cannot hold a value: it is poison.")
        return result


class Disk(OwnJournal):
    """A journal on a disk that is full when a test says so."""

    full = False

    @override
    def append(self, data: bytes, rows: Sequence[Row] = ()) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(data, rows)


@pytest.fixture
def clock() -> FakeClock:
    """The time of leases."""
    return FakeClock(NOW)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Moody]:
    """An empty database of each sort."""
    await (await open_database(database_url)).aclose()
    opened = Moody(database_url)
    yield opened
    opened.away = False
    await opened.aclose()


@asynccontextmanager
async def writing(database: Database, home: Path, **options: object) -> AsyncIterator[Writer]:
    """A writer that runs."""
    writer = Writer(database, own_journal(home), home=home, gather_s=0.005, **options)  # type: ignore[arg-type]
    await writer.open()
    try:
        yield writer
    finally:
        await writer.aclose()


async def moved(writer: Writer, *, within_s: float = 10) -> None:
    """Wait until all that was taken in is in the database."""
    async with asyncio.timeout(within_s):
        while writer.numbers.waiting or writer.numbers.held:  # noqa: ASYNC110 -- the writer has no event for it
            await asyncio.sleep(0.005)


def put(writer: Writer, *rows: Row) -> None:
    """Hand over rows as the books do."""
    for row in rows:
        writer.append(row)


def die(home: Path, *rows: Row) -> None:
    """A process writes rows into its journal and dies."""
    journal = own_journal(home)
    for row in rows:
        journal.append(framed(row))
    journal.close()


async def test_rows_reach_the_database_by_themselves(database: Moody, tmp_path: Path) -> None:
    """Soon after they were written, and the journal is empty at the end."""
    async with writing(database, tmp_path) as writer:
        put(writer, reserved(1), settled(1), ended(1))
        await moved(writer)
        assert await database.read(states) == {f"{uid(1)}.0": "settled"}
        put(writer, reserved(2))
        await moved(writer)
        assert (await database.read(states))[f"{uid(2)}.0"] == "reserved"
        put(writer, settled(2))
    assert (await agree(database))["attempts"] == 2
    assert list((tmp_path / FOLDER).iterdir()) == []


async def test_rows_that_come_together_are_committed_together(database: Moody, tmp_path: Path) -> None:
    """Hundreds of rows cost a few transactions, and the request's path none."""
    async with writing(database, tmp_path) as writer:
        before = database.appends
        for number in range(1000):
            put(writer, reserved(number), settled(number))
        assert database.appends == before
        await moved(writer)
        assert database.appends - before <= 8
    assert (await agree(database))["attempts"] == 1000


async def test_what_a_dead_process_wrote_is_moved_at_the_next_start(database: Moody, tmp_path: Path) -> None:
    """What it left open counts as it was reserved: its lock is free, so nobody waits for its lease."""
    die(tmp_path, reserved(1), settled(1), ended(1), reserved(2))
    async with writing(database, tmp_path) as writer:
        assert await database.read(states) == {f"{uid(1)}.0": "settled", f"{uid(2)}.0": "reserved"}
        assert writer.numbers.lost == 0  # the row says which instance made it, and `one` is none of these


async def test_what_a_dead_process_left_open_is_settled_as_unknown(database: Moody, tmp_path: Path) -> None:
    """At the next start, not when its lease has run out."""
    journal = own_journal(tmp_path)
    journal.append(framed(reserved(1, instance=journal.instance)))
    journal.append(framed(reserved(2, instance="elsewhere")))
    journal.close()
    async with writing(database, tmp_path) as writer:
        assert await database.read(states) == {f"{uid(1)}.0": "unknown", f"{uid(2)}.0": "reserved"}
        assert writer.numbers.lost == 1
    assert (await agree(database))["attempts"] == 1


async def test_a_journal_that_was_moved_half_is_moved_once(database: Moody, tmp_path: Path) -> None:
    """A process dies between the commit and the deletion of its segment."""
    rows = (reserved(1), settled(1), ended(1))
    die(tmp_path, *rows)
    async with writing(database, tmp_path):
        pass
    die(tmp_path, *rows, reserved(2), settled(2))
    async with writing(database, tmp_path) as writer:
        assert writer.numbers.repeated == 3
    assert (await agree(database))["attempts"] == 2


async def test_rows_that_are_there_already_change_nothing(database: Moody, tmp_path: Path) -> None:
    """As after a commit whose answer was lost: the writer takes its own rows for new, fails, and looks."""
    async with writing(database, tmp_path) as writer:
        await database.append(lambda connection: move(connection, [reserved(1), ended(1)]))
        put(writer, reserved(1), settled(1), ended(1), reserved(2))
        await moved(writer)
        assert (writer.numbers.failures, writer.numbers.repeated) == (1, 2)
        put(writer, settled(2))
        await moved(writer)
        assert writer.numbers.failures == 1
    assert (await agree(database))["attempts"] == 2


async def test_two_processes_share_a_database(database: Moody, tmp_path: Path) -> None:
    """Each moves its own journal; when one ends, the other's reservations stay."""
    async with writing(database, tmp_path) as one:
        async with writing(database, tmp_path) as two:
            put(one, reserved(1, instance=one.instance))
            put(two, reserved(2, instance=two.instance), settled(2))
            await asyncio.gather(moved(one), moved(two))
        await one.look()
        assert await database.read(states) == {f"{uid(1)}.0": "reserved", f"{uid(2)}.0": "settled"}
        put(one, settled(1))
    assert (await agree(database))["attempts"] == 2


async def test_the_journal_carries_on_while_the_database_is_away(
    database: Moody, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything is moved when it is back, in order, and the log says so once each."""
    async with writing(database, tmp_path) as writer:
        database.away = True
        for number in range(700):
            put(writer, reserved(number), settled(number))
        while writer.numbers.failures < 2:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)
        assert writer.numbers.waiting == 1400
        database.away = False
        await moved(writer)
        await asyncio.sleep(0.05)
    assert (await agree(database))["attempts"] == 700
    said = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert [text[:40] for text in said] == [
        "the ledger's journal keeps its rows unti", "the database takes the ledger's rows aga"
    ]  # fmt: skip


async def test_a_database_that_is_away_at_the_end_finds_the_rows_at_the_next_start(
    database: Moody, tmp_path: Path
) -> None:
    """The journal stays, unlocked."""
    async with writing(database, tmp_path) as writer:
        put(writer, reserved(1, instance=writer.instance), settled(1))
        database.away = True
    assert list((tmp_path / FOLDER).iterdir()) != []
    database.away = False
    async with writing(database, tmp_path):
        assert await database.read(states) == {f"{uid(1)}.0": "settled"}


async def test_waiting_for_a_commit(database: Moody, tmp_path: Path) -> None:
    """Whoever waits goes on when the row is there; those who wait together share a commit."""
    async with writing(database, tmp_path) as writer:
        before = database.appends
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for number in range(50):
                put(writer, reserved(number))
                group.create_task(writer.committed())
        assert len(await database.read(states)) == 50
        assert database.appends - before <= 3


async def test_a_row_that_the_database_cannot_hold_does_not_keep_up_the_others(
    database: Moody, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told with all that it said, and left out."""
    database.poison = f"{uid(5)}.0"
    async with writing(database, tmp_path) as writer:
        for number in range(10):
            put(writer, reserved(number))
        await moved(writer)
        assert writer.numbers.refused == 1
    assert set(await database.read(states)) == {f"{uid(number)}.0" for number in range(10)} - {database.poison}
    assert f"id='{uid(5)}.0'" in caplog.text


async def test_a_full_disk_holds_rows_in_memory(
    database: Moody, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They go straight into the database; a row that must be in the journal first is refused."""
    (tmp_path / FOLDER).mkdir()
    lock = os.open(tmp_path / FOLDER / "disk.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    files = Disk(tmp_path / FOLDER, "disk", lock)
    writer = Writer(database, files, home=tmp_path, gather_s=0.005)
    await writer.open()
    put(writer, reserved(1), reserved(2))
    await moved(writer)
    files.full = True
    writer.hold(settled(1))
    with pytest.raises(OSError, match="No space"):
        writer.append(reserved(3))
    assert writer.numbers.held == 1
    await moved(writer)
    assert await database.read(states) == {f"{uid(1)}.0": "settled", f"{uid(2)}.0": "reserved"}
    assert "its rows wait in memory" in caplog.text
    database.away = True
    writer.hold(settled(2))
    files.full = False
    put(writer, reserved(3))
    assert writer.numbers.held == 0  # it went into the journal before the next one
    database.away = False
    await moved(writer)
    await writer.aclose()
    assert await database.read(states) == {
        f"{uid(1)}.0": "settled", f"{uid(2)}.0": "settled", f"{uid(3)}.0": "reserved"
    }  # fmt: skip


async def test_another_host_s_process_is_given_up_when_its_lease_runs_out(
    database: Moody, tmp_path: Path, clock: FakeClock
) -> None:
    """Its journal is on a disk that is not here; ours renews its own lease meanwhile."""
    far, near = tmp_path / "far", tmp_path / "near"
    far.mkdir()
    near.mkdir()
    dead = Writer(database, own_journal(far), home=far, clock=clock, gather_s=0.005)
    await dead.open()
    put(dead, reserved(1, instance=dead.instance))
    await moved(dead)
    async with writing(database, near, clock=clock) as alive:
        for _ in range(2):
            clock.advance(LEASE_S / 2 + 1)
            await alive.look()
        assert await database.read(states) == {f"{uid(1)}.0": "unknown"}
        ids = await database.read(lambda connection: connection.scalars(select(instances.c.id)).all())
        assert list(ids) == [alive.instance]
        put(dead, settled(1))  # it was only paused
        await moved(dead)
    assert await database.read(states) == {f"{uid(1)}.0": "settled"}
    await dead.aclose()
    assert (await agree(database))["amount"] == 300


async def test_a_neighbour_is_not_given_up_by_its_lease(database: Moody, tmp_path: Path, clock: FakeClock) -> None:
    """Its journal's lock says that it lives, whatever the database says."""
    async with writing(database, tmp_path, clock=clock) as slow, writing(database, tmp_path, clock=clock) as other:
        put(slow, reserved(1, instance=slow.instance))
        await moved(slow)
        for _ in range(4):
            clock.advance(LEASE_S)
            await other.look()
        assert await database.read(states) == {f"{uid(1)}.0": "reserved"}
        put(slow, settled(1))
    assert (await agree(database))["attempts"] == 1
