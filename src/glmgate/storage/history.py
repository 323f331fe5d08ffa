"""The ledger's attempts one by one: for re-pricing, for reconciling, and for what estimates are learned from.

What another price makes of an attempt is decided in `policy.repricing`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, Select, and_, bindparam, or_, select, update

from glmgate.policy.audit import Act
from glmgate.policy.ledger import Amount, Counted, amounts_of
from glmgate.policy.prices import Prices
from glmgate.policy.repricing import Repriced, repriced
from glmgate.storage import acts
from glmgate.storage.acts import note
from glmgate.storage.database import Database
from glmgate.storage.days import AttemptDays, RequestDays, has_cost
from glmgate.storage.prepared import Prepared, among, many_of
from glmgate.storage.rows import charged, day_of
from glmgate.storage.schema import ledger, requests, series
from glmgate.wire.charge import Charge, Units
from glmgate.wire.delta import Usage

_PAGE: Final = 2000

_Place = tuple[float, str]
"""When an attempt was made, and its id: their order is that of the pages."""

_Repriced = tuple[list[tuple[Counted, Repriced]], _Place | None]
"""What has changed on a page, and where the next one begins."""

_Pages = Callable[[Connection], tuple[list[Counted], _Place | None]]


@dataclass(slots=True)
class Change:
    """What other prices make of one model's attempts: how many change, and what they cost before and after."""

    upstream: str
    model: str
    attempts: int = 0
    _before: list[Charge] = field(default_factory=list)
    _after: list[Charge] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The model with its upstream, for people."""
        return f"{self.upstream}/{self.model}" if self.upstream else self.model

    @property
    def before(self) -> tuple[Amount, ...]:
        """Their money as it was, by currency."""
        return amounts_of(self._before)

    @property
    def after(self) -> tuple[Amount, ...]:
        """Their money as it becomes."""
        return amounts_of(self._after)

    def add(self, each: Repriced) -> None:
        """Take one attempt that changes."""
        self.attempts += 1
        self._before = _summed(self._before, each.before)
        self._after = _summed(self._after, each.after)


@dataclass(frozen=True, slots=True)
class Lesson:
    """An answer that was heard to its end, and what its service told of it."""

    upstream: str
    model: str
    prompt_bytes: int
    answer_bytes: int
    told: Usage


@dataclass(slots=True)
class _Changes:
    """What changes in a time, model by model."""

    start: float
    end: float
    _by_model: dict[tuple[str, str], Change] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Change, ...]:
        """In the order of their names."""
        return tuple(self._by_model[key] for key in sorted(self._by_model))

    def add(self, changed: Iterable[tuple[Counted, Repriced]]) -> None:
        """Take a page."""
        for counted, each in changed:
            key = (counted.upstream, counted.model)
            self._by_model.setdefault(key, Change(*key)).add(each)

    def act(self, actor: str) -> Act:
        """All of it, for the audit log."""
        before = {change.place: change.before for change in self.all}
        after = {change.place: change.after for change in self.all}
        return acts.repriced(actor, self.start, self.end, before, after)


class History:
    """What the ledger knows of each attempt. Both bounds are Unix seconds, from `start` to before `end`."""

    def __init__(self, database: Database, *, page: int = _PAGE) -> None:
        self._database = database
        self._page = page

    async def counted(self, start: float, end: float, *, upstream: str | None = None) -> AsyncIterator[Counted]:
        """The attempts that count, in the order in which they were made."""
        place: _Place | None = (start, "")
        while place is not None:
            rows, place = await self._database.read(self._after(place, end, upstream))
            for row in rows:
                yield row

    async def repriced(self, start: float, end: float, prices: Prices) -> tuple[Change, ...]:
        """What `reprice` would change, by upstream and model."""
        changes = _Changes(start, end)
        place: _Place | None = (start, "")
        while place is not None:
            rows, place = await self._database.read(self._after(place, end))
            changes.add(_with_places(rows, repriced(rows, prices)))
        return changes.all

    async def reprice(self, start: float, end: float, prices: Prices, *, actor: str) -> tuple[Change, ...]:
        """Charge the attempts by `prices`, page by page; what has changed, by upstream and model.

        The first transaction that changes something writes into the audit log what `actor` has begun; where more
        follow, the sums stand in a row of their own at the end.
        """
        changes = _Changes(start, end)
        place: _Place | None = (start, "")
        is_told = False
        while place is not None:
            work = partial(_reprice_page, pages=self._after(place, end, locked=True), prices=prices)
            if changes.all:
                changed, place = await self._database.append(work)
            else:
                changed, place = await self._database.write(partial(_first_page, work=work, actor=actor, span=changes))
                is_told = place is None
            changes.add(changed)
        if changes.all and not is_told:
            await self._database.write(lambda connection: note(connection, changes.act(actor)))
        return changes.all

    async def recent(self, most: int) -> tuple[Lesson, ...]:
        """The last answers that services told the tokens of, the oldest first."""
        return tuple(reversed(await self._database.read(partial(_recent, most=most))))

    def _after(self, place: _Place, end: float, upstream: str | None = None, *, locked: bool = False) -> _Pages:
        """Work that finds the attempts after that place, and the place of the last one; None where it was the last."""
        at, id_ = place
        after = or_(ledger.c.at > at, and_(ledger.c.at == at, ledger.c.id > id_))
        wanted = _COUNTED.where(after, ledger.c.at < end, ledger.c.state != "reserved").limit(self._page)
        if upstream is not None:
            wanted = wanted.where(series.c.upstream == upstream)
        if locked:
            wanted = wanted.with_for_update(of=ledger)

        def work(connection: Connection) -> tuple[list[Counted], _Place | None]:
            rows = [_counted(row) for row in connection.execute(wanted).mappings()]
            return rows, (rows[-1].at, rows[-1].id) if len(rows) == self._page else None

        return work


def _first_page(
    connection: Connection, *, work: Callable[[Connection], _Repriced], actor: str, span: _Changes
) -> _Repriced:
    """The first page that may change something, with its row of the audit log."""
    changed, after = work(connection)
    if changed and after is None:
        whole = _Changes(span.start, span.end)
        whole.add(changed)
        note(connection, whole.act(actor))
    elif changed:
        note(connection, acts.repricing(actor, span.start, span.end))
    return changed, after


def _reprice_page(connection: Connection, *, pages: _Pages, prices: Prices) -> _Repriced:
    rows, after = pages(connection)
    changed = _with_places(rows, repriced(rows, prices))
    if changed:
        _change_attempts(connection, [each for _, each in changed])
        _change_requests(connection, [each for _, each in changed])
    return changed, after


def _with_places(rows: Sequence[Counted], changed: Iterable[Repriced]) -> list[tuple[Counted, Repriced]]:
    by_id = {row.id: row for row in rows}
    return [(by_id[each.id], each) for each in changed]


def _change_attempts(connection: Connection, changed: list[Repriced]) -> None:
    """The new amounts, in the rows and in their sums by day."""
    days = AttemptDays()
    after = {each.id: charged(each.after) for each in changed}
    for row in _LEDGER_IDS.one(connection, {"ids": many_of(connection, after)}).mappings():
        before = dict(row)
        days.count(before, -1)
        days.count(before | after[row["id"]])
    connection.execute(
        _REPRICE,
        [
            {"row_id": id_, **{name: row[name] for name in ("amount", "currency", "price")}}
            for id_, row in after.items()
        ],
    )
    days.put(connection)


def _change_requests(connection: Connection, changed: list[Repriced]) -> None:
    """The same for the requests that they belong to."""
    by_uid: dict[str, list[Repriced]] = {}
    for each in changed:
        by_uid.setdefault(each.id.rpartition(".")[0], []).append(each)
    days = RequestDays()
    rows = [
        _changed_request(row, by_uid[row["uid"]], days)
        for row in _REQUEST_UIDS.one(connection, {"uids": many_of(connection, by_uid)}).mappings()
    ]
    if rows:
        connection.execute(_REPRICE_REQUEST, rows)
    days.put(connection)


def _changed_request(row: RowMapping, changed: list[Repriced], days: RequestDays) -> dict[str, Any]:
    amounts: dict[str, int] = msgspec.json.decode(row["amounts"])
    key = (day_of(row["at"]), row["series_id"], row["ending"])
    priced = 0
    for each in changed:
        for charge, sign in ((each.before, -1), (each.after, 1)):
            if charge.amount is not None and charge.currency is not None:
                amounts[charge.currency] = amounts.get(charge.currency, 0) + sign * charge.amount
                days.add((*key, charge.currency), {"amount": sign * charge.amount})
        priced += each.before.amount is None and has_cost(charged(each.before))
    first = min(msgspec.json.decode(row["amounts"], type=dict[str, int]), default="")
    days.add((*key, first), {"unpriced": -priced})
    kept = {currency: amount for currency, amount in sorted(amounts.items()) if amount}
    return {
        "row_uid": row["uid"],
        "amounts": msgspec.json.encode(kept).decode(),
        "unpriced": row["unpriced"] - priced,
    }


def _recent(connection: Connection, *, most: int) -> list[Lesson]:
    wanted = (
        _COUNTED.where(ledger.c.state == "settled", ledger.c.outcome == "ok")
        .order_by(None)
        .order_by(ledger.c.at.desc())
        .limit(most)
    )
    found = []
    for row in connection.execute(wanted).mappings():
        # What was told and charged alike is not kept twice.
        told = (
            _counted(row).charge.usage if row["reported"] is None else msgspec.json.decode(row["reported"], type=Usage)
        )
        if not row["estimated"] or row["reported"] is not None:
            found.append(Lesson(row["upstream"], row["model"], row["prompt_bytes"], row["answer_bytes"], told))
    return found


def _counted(row: RowMapping) -> Counted:
    return Counted(
        id=row["id"],
        at=row["at"],
        upstream=row["upstream"],
        model=row["model"],
        outcome=row["outcome"],
        charge=Charge(
            usage=Usage(row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"], row["reasoning_tokens"]),
            units=Units(row["calls"], row["images"], row["ms"]),
            amount=row["amount"],
            currency=row["currency"],
            estimated=bool(row["estimated"]),
            price=row["price"],
        ),
    )


def _summed(sums: list[Charge], charge: Charge) -> list[Charge]:
    """The charges with one more, each currency summed in one."""
    return [Charge(amount=each.amount, currency=each.currency) for each in amounts_of([*sums, charge])]


_COUNTED: Final[Select[Any]] = (
    select(ledger, series.c.upstream, series.c.model)
    .join_from(ledger, series, ledger.c.series_id == series.c.id)
    .order_by(ledger.c.at, ledger.c.id)
)
_LEDGER_IDS: Final = Prepared(lambda dialect: select(ledger).where(among(dialect, ledger.c.id, "ids")))
_REQUEST_UIDS: Final = Prepared(
    lambda dialect: select(requests).where(among(dialect, requests.c.uid, "uids")).with_for_update()
)
_REPRICE: Final = (
    update(ledger)
    .where(ledger.c.id == bindparam("row_id"))
    .values({name: bindparam(name) for name in ("amount", "currency", "price")})
)
_REPRICE_REQUEST: Final = (
    update(requests)
    .where(requests.c.uid == bindparam("row_uid"))
    .values({name: bindparam(name) for name in ("amounts", "unpriced")})
)
