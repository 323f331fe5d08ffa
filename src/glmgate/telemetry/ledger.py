"""How the ledger's journal is doing now, as a value that metrics are written from.

Who knows it tells it; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerNow:
    """Rows on their way into the database, and what went wrong so far.

    `waiting` are in the journal and `held` in memory alone, since the disk takes no more. `commits` and `failures` are
    those of the writer; `unknown` attempts are of processes that died, `unbooked` ones were made without a row, and
    `refused` rows are lost.
    """

    waiting: int = 0
    held: int = 0
    commits: int = 0
    failures: int = 0
    unknown: int = 0
    unbooked: int = 0
    refused: int = 0


LookAtLedger = Callable[[], LedgerNow]
"""Called when somebody looks."""
