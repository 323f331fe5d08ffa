"""Options that several commands share, and the settings that follow from them.

What a setting means is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

from glmgate.settings import Settings, load

_Command = TypeVar("_Command", bound=Callable[..., None])


def place(command: _Command) -> _Command:
    """The options that say where state and settings are: --home and --config."""
    for option in (
        click.option("--config", type=click.Path(path_type=Path), help="The settings file [HOME/glmgate.toml]."),
        click.option("--home", type=click.Path(path_type=Path), help="The folder of keys and database [GLMGATE_HOME]."),
    ):
        command = option(command)
    return command


def read(
    home: Path | None,
    config: Path | None,
    *,
    flags: Mapping[tuple[str, str], object] | None = None,
    models: tuple[Path, ...] = (),
    secrets: bool = True,
) -> Settings:
    """The settings of this start; without `secrets`, those of upstreams need not be there."""
    return load(flags=flags, home=home, config=config, models=models, secrets=secrets)
