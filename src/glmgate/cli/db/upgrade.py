"""`glmgate db upgrade`: brings the schema up to date."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from glmgate.cli.accounts import actor
from glmgate.cli.db.opened import watch
from glmgate.cli.options import place, read
from glmgate.storage.opening import upgrade_database


@click.command("upgrade")
@place
def command(home: Path | None, config: Path | None) -> None:
    """Bring the schema up to date. On PostgreSQL nothing else does; an SQLite file is copied before.

    Servers of the version before may go on meanwhile, unless the changelog says otherwise. Who finds a table in use
    for 10 seconds changes nothing: try again when less is going on.
    """
    settings = read(home, config, secrets=False)
    progress = watch()
    before, now = asyncio.run(upgrade_database(settings.storage.url, actor=actor(), progress=progress.at))
    progress.end()
    if before == now:
        click.echo(f"The schema is {now}, the newest.")
    else:
        click.echo(
            f"The schema is {now} now; " + ("the database was empty." if before is None else f"it was {before}.")
        )
