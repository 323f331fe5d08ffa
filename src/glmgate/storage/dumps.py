"""Backups of PostgreSQL databases, by PostgreSQL's own programs `pg_dump` and `pg_restore`.

Only our tables are in them: a database may be shared with other programs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, text
from sqlalchemy.schema import DropTable

from glmgate.errors import SettingsError
from glmgate.policy.audit import Act
from glmgate.storage.acts import note
from glmgate.storage.counters_postgres import TABLES as COUNTED
from glmgate.storage.database import Database
from glmgate.storage.postgres import APPLICATION
from glmgate.storage.schema import metadata

_TABLE: Final = re.compile(r"^\d+; \d+ \d+ TABLE (?!DATA )\S+ (\S+) ", re.MULTILINE)
_MAGIC: Final = b"PGDMP"
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database() "
    "AND pid <> pg_backend_pid()"
)


def dump(url: URL, target: Path) -> None:
    """Write our tables, as they are at one moment, into the file `target`; servers go on meanwhile.

    Raises SettingsError where the program is missing or fails, with what it said.
    """
    tables = [f"--table={name}" for name in (*metadata.tables, "alembic_version")]
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)  # what an earlier one has left may be open to others
    part.touch(mode=0o600, exist_ok=False)
    try:
        _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", *tables, f"--file={part}"])
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def tables_of(source: Path) -> frozenset[str]:
    """The tables that a dump holds. Raises SettingsError as `dump`, and where the file is no dump."""
    _check(source)
    listed = _run("pg_restore", None, ["--list"], source)
    return frozenset(_TABLE.findall(listed))


def undump(url: URL, source: Path) -> None:
    """Put the tables of a dump in the place of those that are there: all of it happens, or nothing.

    Tables of ours that the dump has not are left. Raises SettingsError as `dump`, and where the file is no dump.
    """
    _check(source)
    options = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-privileges"]
    _run("pg_restore", url, [*options, "--exit-on-error"], source)


def _check(source: Path) -> None:
    try:
        with source.open("rb") as opened:
            found = opened.read(len(_MAGIC))
    except OSError as exc:
        raise SettingsError(f"{str(source)!r} cannot be read: {exc}.") from exc
    if found != _MAGIC:
        raise SettingsError(
            f"{str(source)!r} is no dump of PostgreSQL: give a file that `db backup` has made of such a database."
        )


async def check_unused(database: Database) -> None:
    """Raises SettingsError while a server or another command of ours is connected."""
    count = await database.read(lambda connection: connection.exec_driver_sql(_OTHERS, (APPLICATION,)).scalar_one())
    if count:
        raise SettingsError(
            f"The database {str(database)!r} is in use ({count} connections): stop `glmgate serve` and other commands "
            "first."
        )


async def forget_newer(database: Database, kept: frozenset[str], *, done: Act) -> None:
    """Take away our tables that a restored schema has not, and what is counted: it is loaded from the ledger anew.

    `done` is written into the restored audit log.
    """

    def work(connection: Connection) -> None:
        for name in sorted(metadata.tables.keys() - kept):
            connection.execute(DropTable(metadata.tables[name], if_exists=True))
        for name in COUNTED:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        note(connection, done)

    await database.write(work)


def _run(program: str, url: URL | None, options: list[str], *files: Path) -> str:
    found = shutil.which(program)
    if found is None:
        raise SettingsError(
            f"{program} is not installed here, and it is what backs up and restores PostgreSQL: install PostgreSQL's "
            "client programs (Debian: postgresql-client), or use your host's backups."
        )
    with _conninfo(url) as where:
        done = subprocess.run(  # noqa: S603 -- PostgreSQL's own program, with our own words
            [found, *where, *options, *map(str, files)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"it ended with {done.returncode}"
        raise SettingsError(f"{program} has failed: {said}")
    return done.stdout


@contextmanager
def _conninfo(url: URL | None) -> Iterator[list[str]]:
    """The URL for a program's arguments, which everybody on the machine can read: its password stands in a file."""
    if url is None:
        yield []
        return
    plain = url.set(drivername="postgresql")._replace(password=None)  # `set` takes None for: as it is
    if url.password is None:
        yield ["--no-password", f"--dbname={plain.render_as_string()}"]
        return
    with tempfile.TemporaryDirectory() as folder:  # for its owner only
        passwords = Path(folder) / "pgpass"
        passwords.touch(mode=0o600)
        escaped = str(url.password).replace("\\", "\\\\").replace(":", "\\:")
        passwords.write_text(f"*:*:*:*:{escaped}\n")
        named = plain.update_query_dict({"passfile": str(passwords)})
        yield ["--no-password", f"--dbname={named.render_as_string()}"]
