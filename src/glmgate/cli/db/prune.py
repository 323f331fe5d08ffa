"""`glmgate db prune`: deletes details that are older than the settings keep them."""

from __future__ import annotations

import time
from pathlib import Path

import click

from glmgate.cli.accounts import actor
from glmgate.cli.db.opened import watch, with_database
from glmgate.cli.options import place, read
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.pruning import count, kinds, prune


@click.command("prune")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@place
def command(home: Path | None, config: Path | None, *, dry_run: bool) -> None:
    """Delete what is older than [retention] says: attempts, requests, thoughts. Sums by day stay; servers go on.

    What is gone cannot be priced anew or explained to an invoice. Run it by a timer, once a day.
    """
    settings = read(home, config, secrets=False)

    async def work(_: Database) -> None:
        database = await open_database(settings.storage.url, actor=actor())
        try:
            for kind in kinds(settings.retention, now=time.time()):
                if dry_run:
                    click.echo(f"{kind.table.name}: {await count(database, kind):,} rows would go.")
                    continue
                progress = watch(amount="{:,} rows".format)
                gone = await prune(database, kind, actor=actor(), progress=progress.at)
                progress.end()
                click.echo(f"{kind.table.name}: {gone:,} rows are gone.")
        finally:
            await database.aclose()

    with_database(settings, work)
