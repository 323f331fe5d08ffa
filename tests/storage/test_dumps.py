"""Tests of PostgreSQL backups by its own programs, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import inspect, make_url, text

from glmgate.errors import SettingsError
from glmgate.policy.keys import Key
from glmgate.storage.acts import restored
from glmgate.storage.audit import SqlAuditStore
from glmgate.storage.database import Database
from glmgate.storage.dumps import check_unused, dump, forget_newer, tables_of, undump
from glmgate.storage.opening import open_database
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.schema import metadata
from tests.fakes.accounts import put
from tests.servers.postgres import PASSWORD, Postgres, name_of


async def keys(url: str, *added: str) -> list[str]:
    """Add keys to a database; the names of all in it."""
    database = await open_database(url)
    store = SqlAccountStore(database)
    for name in added:
        await put(store, Key(id=name, name=name, created_at=float(ord(name))))
    found = [key.id for key in await store.look(lambda rows: rows.keys())]
    await database.aclose()
    return found


async def test_a_dump_comes_back(postgres_url: str, tmp_path: Path) -> None:
    """While a server is connected it is written; the tables of others in the database are neither in it nor touched."""
    server = await open_database(postgres_url)
    await server.write(lambda connection: connection.execute(text("CREATE TABLE songs (name TEXT)")))
    await put(SqlAccountStore(server), Key(id="a", name="a", created_at=1.0))
    dump(make_url(postgres_url), tmp_path / "backup")
    await server.write(lambda connection: connection.execute(text("INSERT INTO songs VALUES ('a song')")))
    await server.aclose()
    assert await keys(postgres_url, "b") == ["a", "b"]
    undump(make_url(postgres_url), tmp_path / "backup")
    assert await keys(postgres_url) == ["a"]
    assert tables_of(tmp_path / "backup") == {*metadata.tables, "alembic_version"}
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    database = Database(postgres_url)
    assert await database.read(lambda connection: connection.scalar(text("SELECT name FROM songs"))) == "a song"
    await database.aclose()


async def test_a_password_is_used_and_never_an_argument(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    """Over TCP, with a password of special characters; a wrong one fails with the program's words."""
    await keys(postgres_url, "a")
    name = name_of(postgres_url)
    postgres.run("ALTER ROLE glmgate PASSWORD 'a:b\\c d'")
    try:
        url = make_url(postgres.tcp_url(name)).set(password="a:b\\c d")
        dump(url, tmp_path / "backup")
        undump(url, tmp_path / "backup")
        with pytest.raises(SettingsError, match=r"pg_dump has failed.*password authentication") as caught:
            dump(url.set(password="geheim"), tmp_path / "other")
    finally:
        postgres.run(f"ALTER ROLE glmgate PASSWORD '{PASSWORD}'")
    assert "geheim" not in caught.value.message
    assert not list(tmp_path.glob("other*"))


async def test_a_restore_that_fails_changes_nothing(postgres_url: str, tmp_path: Path) -> None:
    """It is one transaction: a dump that is cut off leaves what was there."""
    await keys(postgres_url, "a")
    dump(make_url(postgres_url), tmp_path / "backup")
    content = (tmp_path / "backup").read_bytes()
    (tmp_path / "cut").write_bytes(content[: len(content) - 400])
    await keys(postgres_url, "b")
    with pytest.raises(SettingsError, match="pg_restore has failed"):
        undump(make_url(postgres_url), tmp_path / "cut")
    assert await keys(postgres_url) == ["a", "b"]


async def test_a_database_in_use_is_not_restored(postgres_url: str) -> None:
    """A server that is connected, idle or not, is seen by the name that it gives itself."""
    server = await open_database(postgres_url)
    database = Database(postgres_url)
    with pytest.raises(SettingsError, match="in use"):
        await check_unused(database)
    await server.aclose()
    await check_unused(database)
    await database.aclose()


async def test_tables_that_an_older_schema_has_not_are_taken_away(postgres_url: str) -> None:
    """So that the upgrade that follows can make them; and what limits have counted is counted anew."""
    await keys(postgres_url, "a")
    database = Database(postgres_url)
    await database.write(lambda connection: connection.execute(text("CREATE TABLE glmgate_counters (n int)")))
    await forget_newer(database, frozenset(metadata.tables) - {"ledger", "requests"}, done=restored("cli:me", "backup"))
    *_, entry = await SqlAuditStore(database).entries(limit=9)
    assert (entry.actor, entry.action, entry.after) == ("cli:me", "database.restored", '{"file":"backup"}')
    there = await database.read(lambda connection: set(inspect(connection).get_table_names()))
    await database.aclose()
    assert {"ledger", "requests", "glmgate_counters"}.isdisjoint(there)
    assert {"keys", "reasoning"} <= there


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"-- SQL"])
def test_what_is_no_dump_is_refused(tmp_path: Path, content: bytes) -> None:
    """Before any program is asked."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SettingsError, match="no dump of PostgreSQL"):
        undump(make_url("postgresql://u@127.0.0.1:1/db"), tmp_path / "file")


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package that brings it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match=r"pg_dump is not installed.*postgresql-client"):
        dump(make_url("postgresql://u@127.0.0.1:1/db"), tmp_path / "file")
