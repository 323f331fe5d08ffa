"""`glmgate version`: which glmgate this is, with what it was built on.

Nothing is started for it.
"""

from __future__ import annotations

import platform
from importlib import metadata

import click

from glmgate import __version__


@click.command("version")
def command() -> None:
    """Say which glmgate, Python and engine this is."""
    click.echo(f"glmgate {__version__}")
    click.echo(f"Python {platform.python_version()} on {platform.platform()}")
    click.echo(f"xllamacpp {_engine()}")


def _engine() -> str:
    try:
        return metadata.version("xllamacpp")
    except metadata.PackageNotFoundError:
        return "not installed: there is none for this machine, so no embedded engine"
