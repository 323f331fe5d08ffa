"""The sums by UTC day: what is added to them for a row, and how it is added.

Every change of a row that counts goes in here within the same transaction, so that the sums are always those of the
rows.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from glmgate.storage.prepared import Prepared
from glmgate.storage.rows import NO_CURRENCY, day_of
from glmgate.storage.schema import ledger_days, request_days, series

_SUMS: Final = (
    "requests", "attempts", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens",
    "calls", "images", "ms", "amount", "unpriced", "estimated",
)  # fmt: skip

Key = tuple[int, int, str, str]
"""Day, series, outcome or ending, currency."""


def insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what to do where the row is there already."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


class _Into:
    """One of the two tables, as it is added to: its columns, those of them that are sums, and the statement."""

    def __init__(self, table: Table) -> None:
        self.names = (*table.primary_key.columns.keys(), *(name for name in _SUMS if name in table.c))
        self.sums = self.names[len(table.primary_key.columns) :]
        self.adding = Prepared(self._adding)
        self._table = table

    def _adding(self, dialect: str) -> sqlite.Insert | postgresql.Insert:
        """What adds to the sums that are there."""
        statement = insert(dialect, self._table)
        added = {name: self._table.c[name] + statement.excluded[name] for name in self.sums}
        return statement.on_conflict_do_update(index_elements=self._table.primary_key.columns.keys(), set_=added)


class Days:
    """What is to be added to one of the two tables, summed by its key. Made for every few rows, so it holds little."""

    _into: ClassVar[_Into]

    def __init__(self) -> None:
        self._found: dict[Key, Sequence[int]] = {}

    def add(self, key: Key, counts: Mapping[str, int]) -> None:
        """Add the counts, which may be below zero; those that are absent are 0."""
        self._add(key, [counts.get(name, 0) for name in self._into.sums])

    def _add(self, key: Key, counts: Sequence[int]) -> None:
        """Add the counts, in the order of the table's columns: every row comes through here."""
        before = self._found.get(key)
        self._found[key] = counts if before is None else tuple(map(operator.add, before, counts))

    def put(self, connection: Connection) -> None:
        """Add all of it to the table."""
        # In the order of their keys: two processes that add to the same rows must not wait for each other.
        names = self._into.names
        rows = [dict(zip(names, (*key, *sums), strict=True)) for key, sums in sorted(self._found.items()) if any(sums)]
        if rows:
            self._into.adding.many(connection, rows)


class AttemptDays(Days):
    """Sums of attempts."""

    _into = _Into(ledger_days)

    def count(self, row: Mapping[str, Any], times: int = 1) -> None:
        """Count a row of the table `ledger`; by -1, count it no more."""
        is_priced = row["amount"] is not None
        counts = (
            row["id"].endswith(".0"),
            1,
            row["prompt_tokens"],
            row["completion_tokens"],
            row["cached_tokens"],
            row["reasoning_tokens"],
            row["calls"],
            row["images"],
            row["ms"],
            row["amount"] or 0,
            not is_priced and has_cost(row),
            bool(row["estimated"]),
        )
        currency = row["currency"] if is_priced else NO_CURRENCY
        self._add(
            (day_of(row["at"]), row["series_id"], row["outcome"], currency), [times * int(each) for each in counts]
        )


class RequestDays(Days):
    """Sums of requests."""

    _into = _Into(request_days)

    def count(self, row: Mapping[str, Any], amounts: Mapping[str, int]) -> None:
        """Count a row of the table `requests`; `amounts` is its money by currency."""
        told = (
            row["told_prompt_tokens"],
            row["told_completion_tokens"],
            row["told_cached_tokens"],
            row["told_reasoning_tokens"],
        )
        first, *others = sorted(amounts) or (NO_CURRENCY,)
        key = (day_of(row["at"]), row["series_id"], row["ending"])
        counts = (1, row["attempts"], *told, amounts.get(first, 0), row["unpriced"], int(row["estimated"]))
        self._add((*key, first), counts)
        for currency in others:
            self.add((*key, currency), {"amount": amounts[currency]})


def has_cost(row: Mapping[str, Any]) -> bool:
    """Whether a row of the table `ledger` would cost something, if a price were known."""
    return bool(row["prompt_tokens"] or row["completion_tokens"] or row["calls"])


def put_series(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Add the series that are not there yet."""
    if rows:
        connection.execute(insert(connection.dialect.name, series).on_conflict_do_nothing(), rows)
