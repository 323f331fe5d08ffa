"""Which models `serve --model` means: files, pulled models, and models of the catalogue, which are pulled when asked.

Whether that is allowed is asked here; how it is done is in `fetching`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from glmgate.cli.fetching import described, fetch
from glmgate.engines.embedded.fitting import smaller_file
from glmgate.engines.embedded.machine import memory_for_models
from glmgate.errors import SettingsError
from glmgate.settings import Settings, with_models
from glmgate.weights.catalogue import Entry, find
from glmgate.weights.errors import UnknownModel
from glmgate.weights.fit import FIXED_BYTES
from glmgate.weights.store import Store


def with_chosen(settings: Settings, texts: Sequence[str], *, yes: bool) -> Settings:
    """The settings with the files of these models, in their order; what is missing is pulled, after asking.

    `yes`: do not ask. Raises SettingsError, UnknownModel, PullFailed.
    """
    return with_models(settings, tuple(_file(text, settings, yes=yes) for text in texts))


def _file(text: str, settings: Settings, *, yes: bool) -> Path:
    path = Path(text).expanduser()
    if path.is_file() or path.suffix == ".gguf" or os.sep in text:
        return path
    if (stored := Store(settings.store).find(text)) is not None:
        return stored.path
    try:
        entry = find(text)
    except UnknownModel as error:
        raise UnknownModel(f"{text!r} is no file and no model that was pulled. {error.message}") from error
    return _pulled(entry, settings, yes=yes)


def _pulled(entry: Entry, settings: Settings, *, yes: bool) -> Path:
    budget = memory_for_models(settings.engine.memory_bytes)
    if entry.all_bytes + FIXED_BYTES > budget:
        smaller = smaller_file(entry.all_bytes, entry.architecture, budget_bytes=budget)
        raise SettingsError(
            f"The model {entry.name!r} needs more than {entry.all_bytes / 1e9:.1f} GB of memory, but models may use "
            f"{budget / 1e9:.1f} GB here. {f'What fits: `--model {smaller}`.' if smaller else ''}"
        )
    if yes:
        return fetch(entry, settings, tell=lambda text: click.echo(text, err=True))
    if not sys.stdin.isatty():
        raise SettingsError(
            f"The model {entry.name!r} is not here, and nobody can be asked whether to fetch its "
            f"{entry.all_bytes / 1e9:.2f} GB. Run `glmgate pull {entry.name}` first, or add --yes."
        )
    click.echo(described(entry, settings, None), err=True)
    click.confirm("It is not here. Fetch it?", abort=True, err=True)
    return fetch(entry, settings, tell=lambda _: None)
