"""`glmgate db restore`: puts a backup in the database's place, with no server running."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from glmgate.app.counting import FILE_NAME
from glmgate.cli.accounts import actor
from glmgate.cli.db.opened import watch
from glmgate.cli.options import place, read
from glmgate.errors import SettingsError, Unavailable
from glmgate.settings import Settings
from glmgate.storage.acts import restored
from glmgate.storage.counters_redis import RedisCounters
from glmgate.storage.database import Database
from glmgate.storage.dumps import check_unused, forget_newer, tables_of, undump
from glmgate.storage.opening import check_fits, current_revision
from glmgate.storage.restoring import check_source, restore


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-y", "--yes", is_flag=True, help="Put it in the place of a database that is there.")
@place
def command(file: Path, home: Path | None, config: Path | None, *, yes: bool) -> None:
    """Put the backup FILE in the database's place. No server may be running.

    A file of SQLite that was there is kept beside it. What limits have counted is forgotten, and counted from the
    ledger anew. PostgreSQL needs its own program pg_restore.
    """
    settings = read(home, config, secrets=False)
    asyncio.run(_restore(settings, file, yes=yes))


async def _restore(settings: Settings, file: Path, *, yes: bool) -> None:
    database = Database(settings.storage.url)
    try:
        if database.file is None:
            await _restore_postgres(database, file, yes=yes)
        else:
            _restore_file(database.file, file, yes=yes)
        await _forget_counted(settings)
        revision = await database.read(current_revision)
        click.echo(f"The database is that of {file}, with the schema {revision}.")
        if not await database.read(check_fits):
            how = "`glmgate db upgrade` brings" if database.is_postgres else "the next start brings"
            click.echo(f"It is older than this program: {how} it up to date.", err=True)
    finally:
        await database.aclose()


async def _forget_counted(settings: Settings) -> None:
    """Have limits begin anew, and budgets be counted from the ledger that was restored."""
    for end in ("", "-wal", "-shm"):
        (settings.home / f"{FILE_NAME}{end}").unlink(missing_ok=True)
    if settings.storage.redis_url is None:
        return
    counters = RedisCounters(settings.storage.redis_url, prefix=settings.storage.redis_prefix)
    try:
        await counters.clear()
    except Unavailable as error:
        click.echo(f"What budgets have counted before is still in Redis: {error.message}", err=True)
    finally:
        await counters.aclose()


def _restore_file(target: Path, file: Path, *, yes: bool) -> None:
    check_source(file)
    _check_may_replace(str(target), there=target.exists(), yes=yes)
    progress = watch()
    kept = restore(file, target, actor=actor(), progress=progress.at)
    progress.end()
    if kept is not None:
        click.echo(f"What was there before is {kept}.", err=True)


async def _restore_postgres(database: Database, file: Path, *, yes: bool) -> None:
    tables = tables_of(file)
    _check_may_replace(str(database), there=await database.read(current_revision) is not None, yes=yes)
    await check_unused(database)
    undump(database.url, file)
    await forget_newer(database, tables, done=restored(actor(), file.name))


def _check_may_replace(where: str, *, there: bool, yes: bool) -> None:
    if there and not yes:
        raise SettingsError(f"There is a database in {where!r}: --yes puts the backup in its place.")
