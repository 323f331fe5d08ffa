"""The Reports of `policy` in a database: sums by day for whole days, the rows themselves for everything shorter.

What can be asked stands in `policy.usage`, how the sums by day are kept in `days`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    select,
)
from typing_extensions import override

from glmgate.policy.ledger import Amount
from glmgate.policy.usage import OF_ATTEMPTS, OF_REQUESTS, SECONDS, Dimension, Reports, UsageQuery, UsageRow
from glmgate.storage.database import Database
from glmgate.storage.rows import DAY_S, NO_CURRENCY
from glmgate.storage.schema import ledger, ledger_days, request_days, requests, series
from glmgate.wire.charge import Units
from glmgate.wire.delta import Usage

_OF_SERIES: Final[Mapping[Dimension, Column[str]]] = {
    "organisation": series.c.organisation_id,
    "project": series.c.project_id,
    "key": series.c.key_id,
    "model": series.c.model,
    "deployment": series.c.deployment,
    "endpoint": series.c.endpoint,
}
_NAMES: Final = (
    "requests", "attempts", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens",
    "calls", "images", "ms", "amount", "unpriced", "estimated",
)  # fmt: skip
# Named one by one, so that the rows of some series are looked up in each day: a key's month of 840,000 rows takes 2 ms
# in place of 80, and a budget's first request waits for it.
_FEW_DAYS: Final = 92


@dataclass(frozen=True, slots=True)
class _Source:
    """A table with rows or with sums, and what each sum is made of."""

    table: Table
    how: Dimension
    sums: Mapping[str, ColumnElement[int]]
    currency: ColumnElement[str]

    def start(self, connection: Connection, seconds: int) -> ColumnElement[Any]:
        """The time at which a row's bucket begins."""
        if "day" in self.table.c:
            return self.table.c.day * DAY_S
        at = self.table.c.at / seconds
        whole = func.floor(at) if connection.dialect.name == "postgresql" else cast(at, Integer)
        return whole * seconds

    def within(self, start: float, end: float, *, of_some: bool) -> ColumnElement[bool]:
        """Whether a row is of that time. `of_some`: only some series are asked for."""
        if "day" not in self.table.c:
            return and_(self.table.c.at >= start, self.table.c.at < end)
        days = range(int(start // DAY_S), int(end // DAY_S))
        if of_some and len(days) <= _FEW_DAYS:
            return self.table.c.day.in_(days)
        return and_(self.table.c.day >= days.start, self.table.c.day < days.stop)


@dataclass(slots=True)
class _Sums:
    """The sums of one group in one bucket."""

    counts: list[int] = field(default_factory=lambda: [0] * len(_NAMES))
    amounts: dict[str, int] = field(default_factory=dict)

    def add(self, currency: str, counts: Sequence[int]) -> None:
        """Add the sums of one currency."""
        self.counts = [mine + more for mine, more in zip(self.counts, counts, strict=True)]
        if currency != NO_CURRENCY:
            self.amounts[currency] = self.amounts.get(currency, 0) + counts[_NAMES.index("amount")]

    def row(self, start: float, end: float, group: Mapping[Dimension, str]) -> UsageRow:
        """All of it as a value."""
        of = dict(zip(_NAMES, self.counts, strict=True))
        return UsageRow(
            start=start,
            end=end,
            group=group,
            requests=of["requests"],
            attempts=of["attempts"],
            usage=Usage(of["prompt_tokens"], of["completion_tokens"], of["cached_tokens"], of["reasoning_tokens"]),
            units=Units(of["calls"], of["images"], of["ms"]),
            amounts=tuple(Amount(currency, self.amounts[currency]) for currency in sorted(self.amounts)),
            unpriced=of["unpriced"],
            estimated=of["estimated"],
        )


_Found = dict[tuple[float, tuple[str, ...]], _Sums]


class SqlReports(Reports):
    """Sums from the ledger's tables. The database is one that nobody waits for: a report may take its time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def attempts(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        query.check(OF_ATTEMPTS)
        return await self._database.read(lambda connection: _answered(connection, query, _ATTEMPT_DAYS, _ATTEMPTS))

    @override
    async def requests(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        query.check(OF_REQUESTS)
        return await self._database.read(lambda connection: _answered(connection, query, _REQUEST_DAYS, _REQUESTS))


def _answered(connection: Connection, query: UsageQuery, days: _Source, rows: _Source) -> tuple[UsageRow, ...]:
    found: _Found = {}
    start, end = query.span
    first, last = -(-start // DAY_S) * DAY_S, end // DAY_S * DAY_S
    if SECONDS.get(query.width, DAY_S) < DAY_S or first >= last:
        parts = [(rows, start, end)]
    else:
        parts = [(rows, start, first), (days, first, last), (rows, last, end)]
    for source, since, until in parts:
        if since < until:
            _add(connection, query, source, (since, until), found)
    length = SECONDS.get(query.width)
    return tuple(
        found[bucket, group].row(
            bucket, end if length is None else bucket + length, dict(zip(query.group_by, group, strict=True))
        )
        for bucket, group in sorted(found)
    )


def _add(connection: Connection, query: UsageQuery, source: _Source, span: tuple[float, float], found: _Found) -> None:
    """Add what the source has of that time."""
    seconds = SECONDS.get(query.width)
    bucket = (literal(query.start) if seconds is None else source.start(connection, seconds)).label("bucket")
    for row in connection.execute(_summed(source, query, bucket, span)):
        start, *group = row[: 1 + len(query.group_by)]
        currency, *counts = row[1 + len(query.group_by) :]
        key = float(start), tuple(group)
        found.setdefault(key, _Sums()).add(currency, [int(value or 0) for value in counts])
    if source is _REQUESTS:
        by = [bucket, *(_column(source, name) for name in query.group_by)]
        money = select(*by, requests.c.amounts).where(*_chosen(source, query, span))
        _add_amounts(connection, money.join_from(requests, series, requests.c.series_id == series.c.id), found)


def _summed(source: _Source, query: UsageQuery, bucket: ColumnElement[Any], span: tuple[float, float]) -> Select[Any]:
    """The bucket, the group, the currency and the sums; of each series first, and then of those that are asked for.

    Looking up the series of each row would take more than half of a month's time (measured: 2.1 in place of 0.9 s).
    """
    of_rows = [name for name in query.group_by if name == source.how]
    by = [bucket, *(_column(source, name).label(name) for name in of_rows), source.currency.label("currency")]
    sums = [func.sum(source.sums.get(name, literal(0))).label(name) for name in _NAMES]
    chosen = list(_chosen(source, query, span))
    if len(of_rows) == len(query.group_by):
        return select(*by, *sums).where(*chosen).group_by(*by).select_from(source.table)
    series_id = source.table.c.series_id
    inner = select(*by, series_id, *sums).where(*chosen).group_by(*by, series_id).subquery()
    names = [inner.c[name] if name == source.how else _OF_SERIES[name] for name in query.group_by]
    outer = [inner.c.bucket, *names, inner.c.currency]
    whole = select(*outer, *(func.sum(inner.c[name]) for name in _NAMES)).group_by(*outer)
    return whole.join_from(inner, series, inner.c.series_id == series.c.id)


def _add_amounts(connection: Connection, statement: Select[Any], found: _Found) -> None:
    """Add the money of requests, which their rows have as JSON."""
    nothing = [0] * len(_NAMES)
    place = _NAMES.index("amount")
    for row in connection.execute(statement.where(requests.c.amounts != "{}")):
        start, *group, amounts = row
        sums = found[float(start), tuple(group)]
        for currency, amount in msgspec.json.decode(amounts).items():
            sums.add(currency, [*nothing[:place], amount, *nothing[place + 1 :]])


def _chosen(source: _Source, query: UsageQuery, span: tuple[float, float]) -> Iterable[ColumnElement[bool]]:
    of_series = [_OF_SERIES[name].in_(values) for name, values in query.filters.items() if name != source.how]
    yield source.within(*span, of_some=bool(of_series))
    if source.table is ledger:
        yield ledger.c.state != "reserved"
    if of_series:
        yield source.table.c.series_id.in_(select(series.c.id).where(*of_series))
    if source.how in query.filters:
        yield source.table.c[source.how].in_(query.filters[source.how])


def _column(source: _Source, name: Dimension) -> Column[Any]:
    return source.table.c[name] if name == source.how else _OF_SERIES[name]


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _of_days(table: Table, how: Dimension) -> _Source:
    return _Source(table, how, {name: table.c[name] for name in _NAMES if name in table.c}, table.c.currency)


_COLUMNS: Final = _NAMES[2:9]
_HAS_COST: Final = (ledger.c.prompt_tokens + ledger.c.completion_tokens + ledger.c.calls) > 0

_ATTEMPT_DAYS: Final = _of_days(ledger_days, "outcome")
_REQUEST_DAYS: Final = _of_days(request_days, "ending")
_ATTEMPTS: Final = _Source(
    ledger,
    "outcome",
    {
        **{name: ledger.c[name] for name in _COLUMNS},
        "requests": _counted(ledger.c.id.like("%.0")),
        "attempts": literal(1),
        "amount": func.coalesce(ledger.c.amount, 0),
        "unpriced": _counted(and_(ledger.c.amount.is_(None), _HAS_COST)),
        "estimated": _counted(ledger.c.estimated),
    },
    func.coalesce(ledger.c.currency, NO_CURRENCY),
)
_REQUESTS: Final = _Source(
    requests,
    "ending",
    {
        **{name: requests.c[f"told_{name}"] for name in _NAMES[2:6]},
        "requests": literal(1),
        "attempts": requests.c.attempts,
        "unpriced": requests.c.unpriced,
        "estimated": _counted(requests.c.estimated),
    },
    literal(NO_CURRENCY),
)
