"""`glmgate pull`: fetches a model of the catalogue.

How is decided in `weights`, what is said in `fetching`.
"""

from __future__ import annotations

from pathlib import Path

import click

from glmgate.cli.fetching import described, fetch, look
from glmgate.cli.options import place, read
from glmgate.weights.catalogue import find
from glmgate.weights.errors import PullFailed
from glmgate.weights.store import Store


@click.command("pull")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what would be fetched, and fetch nothing.")
@click.option("--hub", type=click.Choice(["huggingface", "modelscope"]), help="Where to fetch from [huggingface].")
@place
def command(name: str, hub: str | None, home: Path | None, config: Path | None, *, dry_run: bool) -> None:
    """Fetch a model; `glmgate models` lists the names. An interrupted pull goes on where it was."""
    entry = find(name)
    settings = read(home, config, flags={("pull", "hub"): hub}, secrets=False)
    if (here := Store(settings.store).find(entry.name)) is not None:
        click.echo(f"{entry.name} is here already: {here.path}")
        return
    if dry_run:
        try:
            remote = look(entry, settings)
        except PullFailed:
            click.echo(described(entry, settings, None))
            raise
        click.echo(described(entry, settings, remote))
        return
    path = fetch(entry, settings, tell=lambda text: click.echo(text, err=True))
    click.echo(f"{entry.name} is here: {path}")
    click.echo(f"`glmgate serve` serves it now; `glmgate serve --model {entry.name}` before all others.", err=True)
