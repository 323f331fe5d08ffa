"""The writer: moves this process's journal into the database, group by group, and the journals of the dead.

It carries on while the database is away, and catches up when it is back. What a row changes is decided in `ledger`,
whose reservations are given up in `instances`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from glmgate.errors import GlmgateError, InvalidRequest
from glmgate.policy.ledger import Row
from glmgate.storage.database import Database
from glmgate.storage.frames import together
from glmgate.storage.instances import RENEW_S, Lease
from glmgate.storage.journal import Batch, OwnJournal, Segments, abandoned, living
from glmgate.storage.ledger import Moved, move
from glmgate.storage.rows import Series

_log = logging.getLogger(__name__)

GATHER_S: Final = 0.02
"""How long rows gather before they are committed together, and so what a power cut can lose."""
MOST_ROWS: Final = 500
"""So many rows are committed without waiting for more."""

_TURN_S: Final = 1.0
"""So long does the writer keep the database's thread while rows keep coming; leases are renewed in it too."""
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_CLOSE_S: Final = 10.0
_MOST_SERIES: Final = 100_000
_MOST_HELD: Final = 50_000

_Held = tuple[tuple[int, Row], ...]


@dataclass(slots=True)
class Numbers:
    """What the writer has done, for metrics. `held` rows are in memory alone, since the disk takes no more."""

    appended: int = 0
    moved: int = 0
    commits: int = 0
    repeated: int = 0
    orphans: int = 0
    refused: int = 0
    failures: int = 0
    lost: int = 0
    held: int = 0

    @property
    def waiting(self) -> int:
        """Rows that are in the journal and not yet in the database."""
        return self.appended - self.moved


class Writer:
    """Takes rows in, and moves them from `open` to `aclose`: in the database's thread, as long as there are some."""

    def __init__(
        self,
        database: Database,
        journal: OwnJournal,
        *,
        home: Path,
        clock: Callable[[], float] = time.time,
        gather_s: float = GATHER_S,
    ) -> None:
        self.numbers = Numbers()
        self._database = database
        self._journal = journal
        self._home = home
        self._clock = clock
        self._gather_s = gather_s
        self._lease = Lease(journal.instance, clock=clock)
        self._known: dict[Series, int] = {}
        self._held: dict[int, Row] = {}
        self._held_numbers = count()
        self._wake = asyncio.Event()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._counting = threading.Lock()
        self._urgent = threading.Event()
        self._turn_ends = 0.0
        self._is_closing = self._is_dry = False
        self._are_new = True
        self._most = MOST_ROWS
        self._pause_s = 0.0
        self._away_since: float | None = None

    @property
    def instance(self) -> str:
        """What this process is called in its reservations."""
        return self._journal.instance

    async def open(self) -> None:
        """Take a lease, read what dead processes have left, and begin to move. Raises Unavailable."""
        await self._database.append(self._lease.renew)
        await self._adopt()
        self._lease.reached()
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._stay())]

    async def aclose(self) -> None:
        """Move the rest and take the journal away; where the database is away, leave it to whoever starts next."""
        self._is_closing = True
        self._urgent.set()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        try:
            async with asyncio.timeout(_CLOSE_S):
                while self._left and await self._turn():
                    pass
                await self._database.append(partial(self._lease.bury, instance=self.instance))
        except (GlmgateError, TimeoutError) as error:
            _log.warning("%d rows of the ledger stay in its journal until the next start: %s", self._left, error)
            self._journal.close()
        else:
            self._journal.remove()

    @property
    def _left(self) -> int:
        return self.numbers.waiting + len(self._held)

    # -- rows come in ----------------------------------------------------------------------------------------------

    def append(self, *rows: Row) -> None:
        """Write rows into the journal, all by one write. Raises OSError where the disk takes no more."""
        while self._held:
            number, waiting = next(iter(self._held.items()))
            self._put(waiting)
            del self._held[number]
            self.numbers.held = len(self._held)
        self._put(*rows)

    def hold(self, *rows: Row) -> None:
        """Write rows into the journal, or have them wait in memory until they can be written or moved."""
        try:
            self.append(*rows)
        except OSError as exc:
            if not self._held:
                _log.error("the ledger's journal cannot be written, its rows wait in memory: %s", exc)
            for row in rows:
                self._keep(row)

    def _keep(self, row: Row) -> None:
        if len(self._held) >= _MOST_HELD:
            self._lose([row], "neither the journal nor the database takes it, and too many wait:")
            return
        self._held[next(self._held_numbers)] = row
        self.numbers.held = len(self._held)
        self._wake.set()

    async def committed(self) -> None:
        """Wait until all that was appended up to now is in the database."""
        if not self.numbers.waiting:
            return
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((self.numbers.appended, done))
        self._urgent.set()
        self._wake.set()
        await done

    def _put(self, *rows: Row) -> None:
        self._journal.append(*together(rows))
        self.numbers.appended += len(rows)
        self._wake.set()
        if self.numbers.waiting >= MOST_ROWS:
            self._urgent.set()

    # -- rows go out -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Move whenever there is something."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                goes_on = await self._turn()
            except GlmgateError as error:
                await self._failed(error.message)
            except Exception as error:  # noqa: BLE001 -- the journal keeps what could not be moved, and this goes on
                _log.exception("the ledger's writer has a fault")
                await self._failed(type(error).__name__)
            else:
                self._worked()
                if goes_on and self._left:
                    self._wake.set()

    async def _turn(self) -> bool:
        """Move for a while: what is in the journal, or else what is in memory alone. False: there is nothing to read.

        Raises what the database raises, once what it cannot hold is left out.
        """
        held = () if self.numbers.waiting else tuple(islice(self._held.items(), self._most))
        self._turn_ends, self._is_dry = time.monotonic() + _TURN_S, False
        are_new, self._are_new = self._are_new, False  # until it has gone well: some of it may be there
        try:
            if held:
                rows = [row for _, row in held]
                self._took(await self._database.append(partial(move, batch=rows, known=self._known)))
                self._forget(held)
            else:
                # The event loop is not woken for each portion: that takes it longer than writing the rows down.
                await self._database.append_each(partial(self._next, are_new=are_new), self._moved)
                self._are_new = True
        except InvalidRequest as error:
            self._refused(error, held)
        finally:
            self._tell()
        return not self._is_dry

    def _next(self, *, are_new: bool) -> Callable[[Connection], tuple[Batch, Moved]] | None:
        """The next portion, when its rows have gathered. In the thread; without one, others may have it."""
        if self.numbers.waiting < self._most and not self._is_closing:
            self._urgent.wait(self._gather_s)
        self._urgent.clear()
        if not self.numbers.waiting or self._is_dry or time.monotonic() > self._turn_ends:
            return None
        return partial(self._portion, are_new=are_new)

    def _portion(self, connection: Connection, *, are_new: bool) -> tuple[Batch, Moved]:
        batch = self._journal.next(self._most)
        return batch, move(connection, batch.rows, self._known, are_new=are_new)

    def _moved(self, portion: tuple[Batch, Moved]) -> None:
        """A portion is in the database. In the thread."""
        batch, moved = portion
        if not batch.rows and not batch.broken:
            self._is_dry = True
            return
        self._most = MOST_ROWS
        self._done(batch)
        self._took(moved)
        if self._waiting and self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell)

    def _done(self, batch: Batch) -> None:
        self._journal.done(batch)
        self.numbers.moved += len(batch.rows)

    def _tell(self) -> None:
        """Who waits for rows that are there now goes on."""
        while self._waiting and self._waiting[0][0] <= self.numbers.moved:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_result(None)

    def _forget(self, held: _Held) -> None:
        """These are no longer in memory alone."""
        self._most = MOST_ROWS
        for number, _ in held:
            self._held.pop(number, None)  # it may have gone into the journal in the meantime
        self.numbers.held = len(self._held)

    def _refused(self, error: InvalidRequest, held: _Held) -> None:
        """A row that the database cannot hold must not keep up all others: find it, and go on without it."""
        if self._most > 1:
            self._most = 1
        elif held:
            self._lose([row for _, row in held], error.message)
            self._forget(held)
        else:
            batch = self._journal.next(self._most)
            self._lose(batch.rows, error.message)
            self._done(batch)

    def _lose(self, rows: Sequence[Row], why: str) -> None:
        self.numbers.refused += len(rows)
        for row in rows:
            _log.error("a row of the ledger is lost: %s %r", why, row)

    def _took(self, moved: Moved) -> None:
        """Count what came of a portion: in the thread, or in the event loop."""
        with self._counting:
            self.numbers.commits += 1
            self.numbers.repeated += moved.repeated
            self.numbers.orphans += len(moved.orphans)
            if len(self._known) + len(moved.series) > _MOST_SERIES:
                self._known.clear()
            self._known.update((series, series.id) for series in moved.series)
        if moved.orphans:
            _log.warning(
                "%d attempts were settled and never reserved, such as %s", len(moved.orphans), moved.orphans[0]
            )

    async def _failed(self, why: str) -> None:
        """Wait a little longer each time. Meanwhile what a power cut can lose is this pause."""
        self.numbers.failures += 1
        self._lease.missed()
        if self._away_since is None:
            self._away_since = self._clock()
            _log.warning("the ledger's journal keeps its rows until the database takes them: %s", why)
        self._pause_s = min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, self._pause_s * 2))
        with contextlib.suppress(OSError):  # told when the next row is written
            await asyncio.to_thread(self._journal.sync)
        self._wake.set()
        await asyncio.sleep(self._pause_s)

    def _worked(self) -> None:
        self._pause_s = 0.0
        if self._away_since is not None:
            _log.warning("the database takes the ledger's rows again, after %.0f s", self._clock() - self._away_since)
            self._away_since = None

    # -- the living and the dead -----------------------------------------------------------------------------------

    async def _stay(self) -> None:
        """Renew the lease, and look after those who died."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self.look()
            except GlmgateError:
                self._lease.missed()  # told by who moves rows
            except Exception:  # noqa: BLE001 -- whatever it is, the lease has to be renewed again
                _log.exception("the ledger's lease cannot be renewed")

    async def look(self) -> None:
        """Renew the lease, move the journals of the dead, and settle what they have left. Raises Unavailable."""
        await self._database.append(self._lease.renew)
        self._lease.reached()
        await self._adopt()
        if not self._lease.may_judge:
            return
        given_up = await self._database.append(partial(self._lease.give_up, living=living(self._home)))
        for instance, lost in given_up.items():
            self._gave_up(instance, lost)

    async def _adopt(self) -> None:
        for journal in abandoned(self._home):
            try:
                found = await self._move_all_of(journal)
                lost = await self._database.append(partial(self._lease.bury, instance=journal.instance))
                journal.remove()
            finally:
                journal.close()
            if found:
                _log.warning("%d rows of the ledger come from the journal of %s, which died", found, journal.instance)
            self._gave_up(journal.instance, lost)

    async def _move_all_of(self, journal: Segments) -> int:
        """Move the journal of a dead process: how many of its rows were new."""
        found = 0
        while True:
            batch = journal.next(MOST_ROWS)
            for path in batch.broken:
                _log.error("the ledger's journal %s cannot be read to its end", path)
            if not batch.rows and not batch.broken:
                return found
            moved = await self._database.append(partial(move, batch=batch.rows, known=self._known))
            journal.done(batch)
            self._took(moved)
            found += moved.changed

    def _gave_up(self, instance: str, lost: int) -> None:
        self.numbers.lost += lost
        if lost:
            _log.warning("%d attempts of %s, which died, are settled at what was reserved", lost, instance)
