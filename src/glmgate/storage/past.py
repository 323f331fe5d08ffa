"""The Past of `policy` in a database: what a budget's counter begins with, from the ledger's tables.

Sums of settled attempts are the reports'; here those are added that are still under way, at what they have reserved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Select, func, literal_column, select
from typing_extensions import override

from glmgate.errors import Unavailable
from glmgate.policy.budgets import Past, Span
from glmgate.policy.usage import UsageQuery
from glmgate.storage.database import Database
from glmgate.storage.reports import SqlReports
from glmgate.storage.schema import ledger, series
from glmgate.wire.terms import TOKENS, Level, Scope

_COMMITTED_S: Final = 2.0
"""How long what this process has put down may take to the database, before budgets are said not to be known."""

_OF: Final[Mapping[Level, Column[Any]]] = {
    "organisation": series.c.organisation_id,
    "project": series.c.project_id,
    "key": series.c.key_id,
}


class SqlPast(Past):
    """Asks the database; `committed` returns when all that this process, `instance`, has put down is there."""

    def __init__(
        self,
        database: Database,
        *,
        committed: Callable[[], Awaitable[None]],
        instance: str,
        wait_s: float = _COMMITTED_S,
    ) -> None:
        self._instance = instance
        self._wait_s = wait_s
        self._database = database
        self._reports = SqlReports(database)
        self._committed = committed

    @override
    async def spent(self, scope: Scope, unit: str, span: Span) -> int:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._committed()
        except TimeoutError:
            raise Unavailable("What was spent is not in the database yet.", retry_after_s=1.0) from None
        settled = await self._reports.attempts(
            UsageQuery(span.start, span.until, "all", filters={scope.level: (scope.id,)})
        )
        if unit == TOKENS:
            spent = sum(row.usage.total for row in settled)
        else:
            spent = sum(each.amount for row in settled for each in row.amounts if each.currency == unit)
        return spent + await self._database.read(lambda connection: _reserved(connection, scope, unit, span))

    @override
    async def elsewhere(self, scope: Scope, span: Span) -> bool:
        others = _under_way(func.count(), scope, span).where(ledger.c.instance_id != self._instance)
        return bool(await self._database.read(lambda connection: connection.scalar(others)))


def _reserved(connection: Connection, scope: Scope, unit: str, span: Span) -> int:
    """What attempts have reserved that are not settled."""
    amount = ledger.c.prompt_tokens + ledger.c.completion_tokens if unit == TOKENS else ledger.c.amount
    wanted = _under_way(func.sum(amount), scope, span)
    if unit != TOKENS:
        wanted = wanted.where(ledger.c.currency == unit)
    return int(connection.scalar(wanted) or 0)


def _under_way(what: ColumnElement[Any], scope: Scope, span: Span) -> Select[Any]:
    """Of attempts that are not settled. There are as many as are under way, and an index finds them."""
    return (
        select(what)
        .select_from(ledger.join(series, ledger.c.series_id == series.c.id))
        # Written so that the index of those under way is taken, and not the one of times: a month has millions.
        .where(
            ledger.c.state == literal_column("'reserved'"), ledger.c.at + 0 >= span.start, ledger.c.at + 0 < span.until
        )
        .where(_OF[scope.level] == scope.id)
    )
