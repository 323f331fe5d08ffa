"""Fetching a model from the command line, for `pull` and `serve`: what is said before, while and when it stops.

What is fetched and how is decided in `weights`.
"""

from __future__ import annotations

import asyncio
import importlib
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from glmgate.cli.progress import Progress, size
from glmgate.engines.embedded.machine import memory_for_models
from glmgate.settings import Settings
from glmgate.transport.interfaces import Timeouts, Transport
from glmgate.weights.asking import Asker, Patience
from glmgate.weights.catalogue import Entry
from glmgate.weights.fit import FIXED_BYTES
from glmgate.weights.hub import RemoteFile, locate
from glmgate.weights.projector import projector_name
from glmgate.weights.pull import pull
from glmgate.weights.store import Store

_T = TypeVar("_T")
# A look before a pull is for somebody who waits at a prompt.
_LOOK = Patience(attempts=1, timeouts=Timeouts(connect_s=5.0, first_s=10.0, idle_s=10.0))


def look(entry: Entry, settings: Settings) -> RemoteFile:
    """The entry's file as the hub has it now. Raises PullFailed."""

    async def work(asker: Asker) -> RemoteFile:
        return await locate(settings.hub, entry, asker)

    return _run(work, settings, _LOOK, Progress(line=False))


def fetch(entry: Entry, settings: Settings, *, tell: Callable[[str], None]) -> Path:
    """Fetch the entry and return its file; `tell` gets what is to be known before. Raises PullFailed."""
    store = Store(settings.store)

    async def work(asker: Asker) -> Path:
        remote = await locate(settings.hub, entry, asker)
        second = entry.of_projector()
        projector = await locate(settings.hub, second, asker) if second else None
        tell(described(entry, settings, remote, projector))
        if second and projector and not store.path(second.name).exists():
            # First: weights that are there count as the whole model.
            await pull(second, projector, store=store, hub=settings.hub.endpoint, asker=asker)
        return await pull(entry, remote, store=store, hub=settings.hub.endpoint, asker=asker)

    progress = Progress(line=sys.stderr.isatty())
    try:
        return _run(work, settings, Patience(), progress)
    except KeyboardInterrupt:
        progress.end()
        _stopped(entry, store)
    finally:
        progress.end()


def described(entry: Entry, settings: Settings, remote: RemoteFile | None, projector: RemoteFile | None = None) -> str:
    """What a pull of the entry means: whence, whither, how large, under which licence, and whether it fits.

    Without `remote` the sizes are the catalogue's, and so is that of the projector without `projector`.
    """
    bytes_ = (remote.size if remote else entry.bytes) + (projector.size if projector else entry.projector_bytes)
    free, budget = _free(settings.store), memory_for_models(settings.engine.memory_bytes)
    machine = f"; a machine of {entry.machine_gb} GB is recommended" if entry.machine_gb else ""
    needed = f"at least {size(bytes_ + FIXED_BYTES)} and its context; models may use {size(budget)} here{machine}"
    rows = [
        ("from", f"{settings.hub.endpoint}, {_place(entry, settings, remote, projector)}"),
        ("to", str(Store(settings.store).path(entry.name))),
        ("size", f"{size(bytes_)}{'' if remote else ' (as the catalogue has it)'}; the disk has {size(free)} free"),
        ("licence", licence(entry)),
        ("memory", needed),
    ]
    table = "\n".join(f"  {name:<8} {text}" for name, text in rows)
    title = f"{entry.name} ({entry.architecture}{', ' + entry.remark if entry.remark else ''})"
    return "\n".join([title, table, *_warnings(entry, bytes_, free=free, budget=budget)])


def _place(entry: Entry, settings: Settings, remote: RemoteFile | None, projector: RemoteFile | None) -> str:
    place = f"{entry.repository(settings.hub.kind)} {remote.path if remote else entry.file}"
    if not entry.projector:
        return place
    return f"{place} and {projector.path if projector else entry.projector}, which makes images readable"


def _warnings(entry: Entry, bytes_: int, *, free: int, budget: int) -> list[str]:
    warnings = []
    if bytes_ + FIXED_BYTES > budget:
        warnings.append("It does NOT fit the memory of this machine.")
    if bytes_ > free:
        warnings.append("It does NOT fit the disk.")
    if not entry.verified:
        warnings.append("The catalogue's entry was not verified: nobody of this project has run this file yet.")
    return warnings


def licence(entry: Entry) -> str:
    """The licence, or where to read it."""
    return entry.licence or "not known to the catalogue; read the repository's page"


def _run(work: Callable[[Asker], Awaitable[_T]], settings: Settings, patience: Patience, watch: Progress) -> _T:
    async def run() -> _T:
        # Not before something is fetched: `serve` imports this module, and aiohttp is a fifth of what it would import.
        module = importlib.import_module("glmgate.transport.aiohttp")
        transport: Transport = module.AiohttpTransport(proxies=settings.proxies)
        try:
            asker = Asker(transport, token=settings.hub.token, patience=patience, watch=watch, sleep=asyncio.sleep)
            return await work(asker)
        finally:
            await transport.aclose()

    return asyncio.run(run())


def _stopped(entry: Entry, store: Store) -> NoReturn:
    parts = (*store.parts(entry.name), *store.parts(projector_name(entry.name)))
    here = sum(part.stat().st_size for part in parts)
    click.echo(f"Stopped; {size(here)} are here. `glmgate pull {entry.name}` goes on from there.", err=True)
    raise SystemExit(130)


def _free(folder: Path) -> int:
    """Bytes free where the folder is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
