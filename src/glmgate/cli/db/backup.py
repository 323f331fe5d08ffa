"""`glmgate db backup`: one file with all that the database holds, while servers go on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from glmgate.cli.db.opened import watch, with_database
from glmgate.cli.options import place, read
from glmgate.cli.progress import size
from glmgate.errors import SettingsError
from glmgate.storage.copies import copy
from glmgate.storage.database import Database
from glmgate.storage.dumps import dump
from glmgate.storage.master import FILE_NAME


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-y", "--yes", is_flag=True, help="Replace FILE if it is there.")
@place
def command(file: Path, home: Path | None, config: Path | None, *, yes: bool) -> None:
    """Write the database, as it is at one moment, into FILE; servers go on meanwhile.

    PostgreSQL needs its own program pg_dump. The master key is not in the backup: keep a copy of it too.
    """
    settings = read(home, config, secrets=False)
    if file.absolute() == Database(settings.storage.url).file:
        raise SettingsError(f"{str(file)!r} is the database itself.")
    if file.exists() and not yes:
        raise SettingsError(f"{str(file)!r} is there already: give another name, or --yes to replace it.")
    if not file.absolute().parent.is_dir():
        raise SettingsError(f"The folder {str(file.absolute().parent)!r} does not exist: make it first.")

    with_database(settings, partial(_write, file=file))
    click.echo(f"{file} holds the database: {size(file.stat().st_size)}.")
    if settings.master_key is None:
        click.echo(f"Without {str(settings.home / FILE_NAME)!r} no key in it is good: keep a copy of it too.", err=True)


async def _write(database: Database, *, file: Path) -> None:
    if database.file is None:
        dump(database.url, file)
        return
    progress = watch()
    copy(database.file, file, progress=progress.at, checked=True)
    progress.end()
