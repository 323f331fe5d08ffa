"""The Journal of `policy` on a journal's files and the writer: what is booked survives the process.

When rows reach the database is the writer's; what they say is decided in `policy` and `routing`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from glmgate.errors import GlmgateError, Unavailable
from glmgate.policy.ledger import Ended, Journal, Reserved, Settled
from glmgate.storage.writer import Writer
from glmgate.wire.charge import NO_CHARGE

_log = logging.getLogger(__name__)

_STRICT_S: Final = 10.0
_TELL_S: Final = 60.0
_RETRY_S: Final = 5.0


class DurableJournal(Journal):
    """Rows go into the journal by one write each.

    `strict` awaits the database before an attempt is made, for `within_s`. Where the disk takes no more, attempts that
    somebody bills are refused. Our own engine bills nobody: its attempts are made, and `unbooked` counts them.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        strict: bool = False,
        within_s: float = _STRICT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.unbooked = 0
        self._writer = writer
        self._strict = strict
        self._within_s = within_s
        self._clock = clock
        self._unwritten: set[str] = set()
        self._told_at = 0.0

    @override
    async def reserved(self, row: Reserved) -> None:
        try:
            self._writer.append(row)
        except OSError as exc:
            if row.place.upstream:
                raise _unavailable(f"The ledger's journal cannot be written: {exc.strerror}.") from exc
            self._leave_out(row, exc)
            return
        if self._strict:
            await self._committed(row)

    @override
    def settled(self, row: Settled) -> None:
        if row.id in self._unwritten:
            self._unwritten.discard(row.id)
            return
        self._writer.hold(row)

    @override
    def ended(self, row: Ended) -> None:
        self._writer.hold(row)

    async def _committed(self, row: Reserved) -> None:
        try:
            async with asyncio.timeout(self._within_s):
                await self._writer.committed()
        except (TimeoutError, GlmgateError) as exc:
            # It stands in the journal, and nothing will be sent: without this it would count as if something were.
            self._writer.hold(Settled(id=row.id, at=self._clock(), outcome="cancelled", charge=NO_CHARGE, seconds=0))
            raise _unavailable("The ledger's database does not answer, and [ledger] durability is 'strict'.") from exc

    def _leave_out(self, row: Reserved, error: OSError) -> None:
        self.unbooked += 1
        self._unwritten.add(row.id)
        now = self._clock()
        if now - self._told_at >= _TELL_S:
            self._told_at = now
            _log.error(
                "the ledger's journal cannot be written (%s): attempts of our own engine are not booked", error.strerror
            )


def _unavailable(message: str) -> Unavailable:
    error = Unavailable(message, retry_after_s=_RETRY_S)
    error.remedy = "tell"
    return error
