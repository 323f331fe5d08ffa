"""Tests of files that only their owner may open."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.storage.opening import open_database
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.private import make_private, narrow
from glmgate.storage.restoring import restore


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    """A process that makes files for everybody, unless it says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def rights(folder: Path) -> dict[str, int]:
    """Of each file."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in sorted(folder.iterdir())}


async def test_a_new_database_is_its_owners_from_the_first_moment(tmp_path: Path) -> None:
    """With its log, in a folder that everybody may look into."""
    tmp_path.chmod(0o755)
    database = await open_database(f"sqlite:///{tmp_path}/g.db")
    await SqlAccountStore(database).pin("name", "value")
    assert rights(tmp_path) == {"g.db": 0o600, "g.db-shm": 0o600, "g.db-wal": 0o600}
    await database.aclose()


async def test_a_database_of_before_is_narrowed(tmp_path: Path) -> None:
    """With its log, while another process has it open; nothing of what is in it changes."""
    url = f"sqlite:///{tmp_path}/g.db"
    first = await open_database(url)
    store = SqlAccountStore(first)
    await store.pin("name", "value")
    for path in tmp_path.iterdir():
        path.chmod(0o664)
    second = await open_database(url)
    assert await SqlAccountStore(second).pin("name", "other") == "value"
    assert set(rights(tmp_path).values()) == {0o600}
    await first.aclose()
    await second.aclose()


def test_a_file_that_is_there_keeps_its_contents(tmp_path: Path) -> None:
    """And what its owner may not do with it, he may not do afterwards either."""
    file = tmp_path / "g.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (x)")
    content = file.read_bytes()
    file.chmod(0o444)
    make_private(file)
    assert (file.read_bytes(), rights(tmp_path)) == (content, {"g.db": 0o400})


def test_what_cannot_be_made_is_told(tmp_path: Path) -> None:
    """With the file and the reason."""
    with pytest.raises(SettingsError, match=r"g\.db' cannot be made: .*No such file"):
        make_private(tmp_path / "missing" / "g.db")


def test_what_is_missing_or_no_file_is_left(tmp_path: Path) -> None:
    """A folder of that name is nobody's database."""
    (tmp_path / "g.db").mkdir(mode=0o755)
    narrow(tmp_path / "g.db")
    narrow(tmp_path / "other")
    assert rights(tmp_path) == {"g.db": 0o755}


async def test_what_a_restore_puts_aside_is_narrowed(tmp_path: Path) -> None:
    """Also where no start has done so."""
    for name in ("g", "source"):
        await (await open_database(f"sqlite:///{tmp_path}/{name}.db")).aclose()
    (tmp_path / "g.db").chmod(0o644)
    restore(tmp_path / "source.db", tmp_path / "g.db", actor="me")
    assert rights(tmp_path) == {"g.db": 0o600, "g.db.before-restore": 0o600, "source.db": 0o600}
