"""Statements that are executed for every few rows of the ledger: compiled once for each dialect, then the driver's.

SQLAlchemy's own way of executing takes as long as the database for such rows (measured: 60 of 130 us a request).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, CursorResult, String, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import CompilerElement

from glmgate.storage.sqlite import told

# SQLite takes 999 values in one statement in builds before 3.32 (sqlite.org/limits.html, 9).
_MOST_VALUES: Final = 999
# A statement is kept for each number of rows, with all that was bound to it; for forty rows that is too much memory.
_MOST_AT_ONCE: Final = 16

Statement = Callable[[str], CompilerElement]
"""Makes the statement for a dialect, by its name."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What the driver takes: the text, and the names of its values in their order (None: it takes them by name)."""

    text: str
    names: tuple[str, ...] | None
    several: dict[int, str] = field(default_factory=dict)

    @property
    def marks(self) -> str:
        """One row's place in a statement that has a list of them."""
        return f"({', '.join('?' * len(self.names or ()))})"

    @property
    def most(self) -> int:
        """How many rows one execution takes; 1 where the statement has no list of them."""
        if self.names is None or f"VALUES {self.marks}" not in self.text:
            return 1
        return min(_MOST_AT_ONCE, _MOST_VALUES // len(self.names))

    def of(self, rows: int) -> str:
        """The statement for so many rows at once."""
        if rows not in self.several:
            self.several[rows] = self.text.replace(self.marks, ", ".join([self.marks] * rows), 1)
        return self.several[rows]

    def values(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- a tuple or a mapping
        """The values of a row, as the driver takes them."""
        return row if self.names is None else tuple([row[name] for name in self.names])


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement. Its values have types that every driver takes as they are: text, numbers, truth, nothing."""

    statement: Statement
    _compiled: dict[str, _Compiled] = field(default_factory=dict)

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for each row.

        SQLite gets several rows at a time. Its driver lets other threads run before and after each execution, and while
        they do, getting the interpreter back takes longer than the execution itself (docs/adr/0020).
        """
        compiled = self._for(connection)
        values = [compiled.values(row) for row in rows]
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(compiled.text, values)
            return
        cursor, most = connection.connection.cursor(), compiled.most
        with told(connection, compiled.text):
            for start in range(0, len(values), most):
                part = values[start : start + most]
                cursor.execute(compiled.of(len(part)), tuple(chain.from_iterable(part)))

    def one(self, connection: Connection, row: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute it once, and answer what it finds."""
        compiled = self._for(connection)
        return connection.exec_driver_sql(compiled.text, compiled.values(row))

    def found(self, connection: Connection, row: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Execute it once, and answer what it finds as bare rows."""
        if connection.dialect.name != "sqlite":
            return self.one(connection, row).fetchall()
        compiled = self._for(connection)
        with told(connection, compiled.text):
            cursor = connection.connection.cursor()
            cursor.execute(compiled.text, compiled.values(row))
            return cursor.fetchall()

    def _for(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        found = self._compiled.get(name)
        if found is None:
            made = self.statement(name).compile(dialect=connection.dialect)
            order: Sequence[str] | None = getattr(made, "positiontup", None)
            found = self._compiled[name] = _Compiled(str(made), None if order is None else tuple(order))
        return found


def among(dialect: str, column: Column[str], name: str) -> ColumnElement[bool]:
    """Whether the column's value is one of many, which are one value of the statement, made by `many_of`."""
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(String)))
    return column.in_(select(func.json_each(bindparam(name, type_=Text)).table_valued("value").c.value))


def many_of(connection: Connection, values: Collection[str]) -> list[str] | str:
    """Many values as one."""
    found = list(values)
    return found if connection.dialect.name == "postgresql" else msgspec.json.encode(found).decode()
