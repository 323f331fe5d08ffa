"""Deletes details that are older than they are to be kept. Sums by day are another's tables, and stay.

In portions, each a transaction of its own: servers go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, func, select, true

from glmgate.storage.acts import note, pruned
from glmgate.storage.database import Database
from glmgate.storage.schema import ledger, reasoning, requests
from glmgate.storage.settings import RetentionSettings

_DAY_S: Final = 86_400
_AT_ONCE: Final = 5_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that may be deleted: those of the table whose time is before `before` (Unix seconds)."""

    table: Table
    time: Column[float]
    before: float
    which: ColumnElement[bool]

    @property
    def over(self) -> ColumnElement[bool]:
        """The rows to delete."""
        return (self.time < self.before) & self.which


def kinds(settings: RetentionSettings, *, now: float) -> tuple[Kind, ...]:
    """What the settings let go. What is reserved is not settled yet, however old it is."""
    found = []
    if settings.ledger_days:
        found.append(Kind(ledger, ledger.c.at, now - settings.ledger_days * _DAY_S, ledger.c.state != "reserved"))
    if settings.requests_days:
        found.append(Kind(requests, requests.c.at, now - settings.requests_days * _DAY_S, true()))
    return (*found, Kind(reasoning, reasoning.c.expires_at, now, true()))


async def count(database: Database, kind: Kind) -> int:
    """How many rows would go."""
    return await database.read(partial(_count, kind=kind))


async def prune(database: Database, kind: Kind, *, actor: str, progress: Progress | None = None) -> int:
    """Delete the rows; how many they were. `progress` is told how many of how many are gone.

    The first portion writes into the audit log what `actor` has begun.
    """
    total = await count(database, kind)
    gone = 0

    def first(connection: Connection) -> int:
        rows = _count(connection, kind)
        if rows:
            note(connection, pruned(actor, str(kind.table.name), until=kind.before, rows=rows))
        return _portion(connection, kind)

    portion = await database.write(first)
    while portion:
        gone += portion
        if progress is not None:
            progress(gone, max(total, gone))
        portion = await database.append(partial(_portion, kind=kind))
    return gone


def _count(connection: Connection, kind: Kind) -> int:
    return connection.scalar(select(func.count()).select_from(kind.table).where(kind.over)) or 0


def _portion(connection: Connection, kind: Kind) -> int:
    # The oldest first, up to the time of the last one that is taken now; others of that same moment go with it.
    last = connection.scalar(select(kind.time).where(kind.over).order_by(kind.time).offset(_AT_ONCE - 1).limit(1))
    portion = kind.over if last is None else kind.over & (kind.time <= last)
    return connection.execute(delete(kind.table).where(portion)).rowcount
