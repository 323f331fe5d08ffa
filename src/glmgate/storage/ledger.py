"""The ledger's tables: rows of the journal go in, each once, however often they come.

What may become of an attempt stands in one table here. Each function works in the open transaction that it is given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from sqlalchemy import Connection, TextClause, UpdateBase, bindparam, insert, select, text, update

from glmgate.policy.ledger import Ended, Reserved, Row, Settled
from glmgate.storage import rows
from glmgate.storage.days import AttemptDays, RequestDays, put_series
from glmgate.storage.prepared import Prepared, among, many_of
from glmgate.storage.rows import Series
from glmgate.storage.schema import ledger, requests

State = Literal["absent", "reserved", "unknown", "settled"]
"""What is known of an attempt. `unknown`: its process died, and it counts as it was reserved."""

Event = Literal["reserve", "settle", "lose"]

# What is not in the table changes nothing: a row that comes again, or what came of an attempt that nobody reserved.
# A process that was taken for dead may come back and say what its attempts have cost: that is the truth.
TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = MappingProxyType(
    {
        "absent": {"reserve": "reserved"},
        "reserved": {"settle": "settled", "lose": "unknown"},
        "unknown": {"settle": "settled"},
        "settled": {},
    }
)

_LOST_AT_ONCE: Final = 1000
_UPDATE_FROM: Final = (3, 33)  # the version of SQLite (sqlite.org/lang_update.html, 2.2)


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of a batch: how many rows changed something, and how many were there already.

    `orphans` are ids of attempts that were settled without having been reserved; `series` are now in the database.
    """

    changed: int = 0
    repeated: int = 0
    orphans: tuple[str, ...] = ()
    series: frozenset[Series] = frozenset()


class _Batch:
    """One batch on its way into the tables."""

    def __init__(self, connection: Connection, batch: Sequence[Row]) -> None:
        self._connection = connection
        self._size = len(batch)
        self._reserved: dict[str, Reserved] = {}
        self._settled: dict[str, Settled] = {}
        self._ended: dict[str, Ended] = {}
        for row in batch:
            if isinstance(row, Reserved):
                self._reserved.setdefault(row.id, row)
            elif isinstance(row, Settled):
                self._settled.setdefault(row.id, row)
            else:
                self._ended.setdefault(row.uid, row)
        self._days = AttemptDays()
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._orphans: list[str] = []
        self._series: dict[Series, int] = {}

    def move(self, known: Mapping[Series, int], *, are_new: bool) -> Moved:
        """Put it into the tables; `known` are series that are there."""
        ids = {**self._reserved, **self._settled}
        present = self._present([id_ for id_ in ids if id_ not in self._reserved] if are_new else ids)
        count = sum(self._attempt(id_, present.get(id_), known) for id_ in ids)
        endings, request_days = self._requests(known, set() if are_new else self._present_requests())
        put_series(self._connection, [{"id": id_, **series._asdict()} for series, id_ in self._series.items()])
        if self._new:
            _RESERVE.many(self._connection, self._new)
        if self._changed:
            _SETTLE.many(self._connection, self._changed)
        self._days.put(self._connection)
        if endings:
            _END.many(self._connection, endings)
        request_days.put(self._connection)
        changed = count + len(endings)
        return Moved(
            changed=changed,
            repeated=self._size - changed - len(self._orphans),
            orphans=tuple(self._orphans),
            series=frozenset(self._series),
        )

    def _present(self, ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Those of these attempts that are in the table."""
        if not ids:
            return {}
        found = _PRESENT_IDS.found(self._connection, {"ids": many_of(self._connection, ids)})
        return {row[0]: dict(zip(_KNOWN, row, strict=True)) for row in found}

    def _present_requests(self) -> set[str]:
        """The ids of requests that are in the table."""
        if not self._ended:
            return set()
        uids = many_of(self._connection, self._ended)
        return {row[0] for row in _PRESENT_UIDS.found(self._connection, {"uids": uids})}

    def _attempt(self, id_: str, before: dict[str, Any] | None, known: Mapping[Series, int]) -> int:
        """Take what the batch says of one attempt: how many of its rows changed something."""
        state: State = "absent" if before is None else before["state"]
        count = 0
        row: dict[str, Any] | None = None
        reserved, settled = self._reserved.get(id_), self._settled.get(id_)
        if reserved is not None and (after := TRANSITIONS[state].get("reserve")):
            series_id = self._series_id(rows.of_attempt(reserved), known)
            row = rows.reserved(reserved, series_id, is_settled=settled is not None)
            self._new.append(row)
            state, count = after, 1
        if settled is None:
            return count
        if TRANSITIONS[state].get("settle"):
            self._settle(row, before, rows.settled(settled))
            return count + 1
        if state == "absent":
            self._orphans.append(id_)
        return count

    def _settle(self, row: dict[str, Any] | None, before: dict[str, Any] | None, change: dict[str, Any]) -> None:
        """Change a row that is new, or one that is there."""
        if row is not None:
            row |= change
            self._days.count(row)
        elif before is not None:
            self._change(before, change)

    def _change(self, before: dict[str, Any], change: dict[str, Any]) -> None:
        if before["state"] == "unknown":
            self._days.count(before, -1)
        self._days.count(before | change)
        self._changed.append({"row_id": before["id"], **change})

    def _requests(
        self, known: Mapping[Series, int], present: Collection[str]
    ) -> tuple[list[dict[str, Any]], RequestDays]:
        """The endings that are not there yet."""
        days = RequestDays()
        new = []
        for uid, ended in self._ended.items():
            if uid in present:
                continue
            row = rows.ended(ended, self._series_id(rows.of_request(ended), known))
            new.append(row)
            days.count(row, rows.amounts_of(ended))
        return new, days

    def _series_id(self, series: Series, known: Mapping[Series, int]) -> int:
        id_ = known.get(series)
        if id_ is None:
            id_ = self._series.setdefault(series, series.id)
        return id_


def move(
    connection: Connection,
    batch: Sequence[Row],
    known: Mapping[Series, int] = MappingProxyType({}),
    *,
    are_new: bool = False,
) -> Moved:
    """Put rows of a journal into the tables, in whatever order they come; those that are there change nothing.

    `are_new`: none of what is reserved or has ended in it is there, so nobody needs to look; where one is, it fails.
    `known` are series that are in the database, with their ids. Two processes never move the same row at the same time,
    since a journal has one reader; where they did, one of them would fail and find the row when it tries again.
    """
    return _Batch(connection, batch).move(known, are_new=are_new)


def lose(connection: Connection, instance: str, now: float) -> int:
    """Settle what a dead process left reserved, at the reserved amount. Answers how many attempts that were."""
    count = 0
    while True:
        left = _PRESENT.where(ledger.c.instance_id == instance, ledger.c.state == "reserved").limit(_LOST_AT_ONCE)
        found = [dict(row) for row in connection.execute(left).mappings()]
        if not found:
            return count
        change = {"state": TRANSITIONS["reserved"]["lose"], "outcome": "unknown", "settled_at": now, "estimated": True}
        days = AttemptDays()
        for row in found:
            days.count(row | change)
        _LOSE.many(connection, [{"row_id": row["id"], **change} for row in found])
        days.put(connection)
        count += len(found)


def _update(*names: str) -> Prepared:
    """What changes these columns of the rows `row_id`."""

    def made(dialect: str) -> UpdateBase | TextClause:
        if dialect == "sqlite" and sqlite3.sqlite_version_info >= _UPDATE_FROM:
            # Columns of a list of values are called `column1` and so on (sqlite.org/lang_select.html, "VALUES").
            changes = ", ".join(f"{name} = new.column{place}" for place, name in enumerate(names, 2))
            values = ", ".join(f":{name}" for name in ("row_id", *names))
            return text(f"UPDATE ledger SET {changes} FROM (VALUES ({values})) AS new WHERE ledger.id = new.column1")  # noqa: S608
        changed = update(ledger).where(ledger.c.id == bindparam("row_id"))
        return changed.values({name: bindparam(name) for name in names})

    return Prepared(made)


_COUNTED: Final = (
    "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "calls", "images", "ms",
    "amount", "currency", "estimated",
)  # fmt: skip
_KNOWN: Final = ("id", "at", "series_id", "state", "outcome", *_COUNTED)
# Locked: nobody else may change what is decided upon. SQLite, which has one writer, leaves the words out.
_PRESENT: Final = select(*(ledger.c[name] for name in _KNOWN)).with_for_update()
_PRESENT_IDS: Final = Prepared(lambda dialect: _PRESENT.where(among(dialect, ledger.c.id, "ids")))
_PRESENT_UIDS: Final = Prepared(lambda dialect: select(requests.c.uid).where(among(dialect, requests.c.uid, "uids")))
_RESERVE: Final = Prepared(lambda _: insert(ledger))
_END: Final = Prepared(lambda _: insert(requests))
_SETTLE: Final = _update(
    "state", "outcome", *_COUNTED, "price", "answer_bytes", "settled_at", "seconds", "reported", "error_code"
)
_LOSE: Final = _update("state", "outcome", "settled_at", "estimated")
