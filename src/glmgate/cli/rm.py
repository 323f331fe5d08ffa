"""`glmgate rm`: removes a pulled model.

What belongs to a model is known in `weights.store`.
"""

from __future__ import annotations

from pathlib import Path

import click

from glmgate.cli.options import place, read
from glmgate.cli.progress import size
from glmgate.weights.store import Store


@click.command("rm")
@click.argument("name")
@place
def command(name: str, home: Path | None, config: Path | None) -> None:
    """Remove a pulled model, or what came of one."""
    freed = Store(read(home, config, secrets=False).store).remove(name)
    click.echo(f"{name} is removed; {size(freed)} are free again.")
