"""`glmgate db`: the group of its commands.

What they do is in a file each, and in `storage`.
"""

from __future__ import annotations

import click

from glmgate.cli.db import backup, check, prune, restore, upgrade


@click.group("db")
def command() -> None:
    """Look after the database: upgrade, back up, restore, check, prune."""


for each in (upgrade, backup, restore, check, prune):
    command.add_command(each.command)
