"""Statements that are compiled once: the driver gets what SQLAlchemy would have given it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, update

from glmgate.errors import Unavailable
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.prepared import Prepared, among, many_of
from glmgate.storage.schema import facts, instances


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


ADD = Prepared(lambda _: insert(facts))
CHANGE = Prepared(lambda _: update(facts).where(facts.c.name == bindparam("called")).values(value=bindparam("value")))
FIND = Prepared(
    lambda dialect: select(facts.c.name, facts.c.value).where(among(dialect, facts.c.name, "names")).order_by("name")
)
ODD = 'a "quote", a \\, a %s, a ? and 名'


async def test_rows_go_in_and_are_found(database: Database) -> None:
    """Whatever their text is; values are taken by name, in whatever order they stand."""

    def work(connection: Connection) -> list[tuple[str, str]]:
        ADD.many(connection, [{"name": ODD, "value": "1"}, {"value": "2", "name": "b"}, {"name": "c", "value": "3"}])
        CHANGE.many(connection, [{"called": "b", "value": ODD}])
        found = FIND.one(connection, {"names": many_of(connection, ["b", ODD, "none"])})
        return [(row.name, row.value) for row in found]

    assert sorted(await database.write(work)) == sorted([(ODD, "1"), ("b", ODD)])


async def test_many_may_be_none_or_thousands(database: Database) -> None:
    """One statement for all numbers of values."""

    def work(connection: Connection) -> tuple[int, int]:
        names = [f"name-{number}" for number in range(5000)]
        ADD.many(connection, [{"name": name, "value": "x"} for name in names])
        counts = [len(FIND.one(connection, {"names": many_of(connection, some)}).all()) for some in ([], names)]
        return counts[0], counts[1]

    assert await database.write(work) == (0, 5000)


@pytest.mark.parametrize("count", [1, 2, 3, 33, 512, 1001])
async def test_each_row_goes_in_once(database: Database, count: int) -> None:
    """However many are put into one statement."""

    def work(connection: Connection) -> list[tuple[str, str]]:
        ADD.many(connection, [{"name": f"{number:04}", "value": str(number)} for number in range(count)])
        return [tuple(row) for row in connection.execute(select(facts.c.name, facts.c.value).order_by("name"))]

    found = [row for row in await database.write(work) if row[0].isdecimal()]
    assert found == [(f"{number:04}", str(number)) for number in range(count)]


async def test_numbers_come_back_as_they_went(database: Database) -> None:
    """Types that every driver knows are not changed on their way."""
    add = Prepared(lambda _: insert(instances))
    row = {"id": "one", "host": "h", "pid": 7, "started_at": 1.5, "lease_until": 1e9 + 0.25}
    await database.write(lambda connection: add.many(connection, [row]))
    (found,) = await database.read(lambda connection: connection.execute(select(instances)).mappings().all())
    assert dict(found) == row


async def test_bare_rows_are_the_same(database: Database) -> None:
    """In the order of the statement's columns."""

    def work(connection: Connection) -> list[tuple[str, ...]]:
        ADD.many(connection, [{"name": name, "value": name.upper()} for name in ("a", "b")])
        return [tuple(row) for row in FIND.found(connection, {"names": many_of(connection, ["a", "b", "c"])})]

    assert await database.write(work) == [("a", "A"), ("b", "B")]


async def test_what_the_driver_refuses_is_told_as_everywhere(database: Database) -> None:
    """And nothing of the transaction is left."""
    twice = [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]
    with pytest.raises(Unavailable, match="The database cannot be used"):
        await database.write(lambda connection: ADD.many(connection, twice))
    left = select(facts.c.value).where(facts.c.name == "a")
    assert await database.read(lambda connection: connection.execute(left).all()) == []


async def test_what_is_asked_of_a_broken_statement_is_told_too(database: Database) -> None:
    """A table that is not there, for one."""
    missing = Prepared(lambda _: text("SELECT 1 FROM nothing_of_that_name"))
    with pytest.raises(Unavailable, match="nothing_of_that_name"):
        await database.read(lambda connection: missing.found(connection, {}))
