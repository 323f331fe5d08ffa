"""Fetches one model: from where it stopped, once for everybody who wants it, checked before it is put in place.

What a hub is stands in `hub`, how it is asked in `asking`, what is on disk in `part` and `store`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import StreamedReply
from glmgate.weights.asking import Asker
from glmgate.weights.catalogue import Entry
from glmgate.weights.errors import HubTrouble, PullFailed, RangeRefused, WeightsUnreadable
from glmgate.weights.gguf import read_architecture, read_facts
from glmgate.weights.hub import RemoteFile
from glmgate.weights.part import Part, telling
from glmgate.weights.projector import ARCHITECTURE, is_projector_name
from glmgate.weights.store import Origin, Store

# After this much a hub that breaks off has shown that it works: failures are counted anew.
_PROGRESS_BYTES: Final = 1024**2
_LOOK_S: Final = 0.25
_ETAG: Final = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')
_RANGE: Final = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)", re.ASCII)


async def pull(entry: Entry, remote: RemoteFile, *, store: Store, hub: str, asker: Asker) -> Path:
    """Fetch `remote` as the entry's model and return where it is. Raises PullFailed; a part stays for the next time.

    Where another process fetches it, wait for that one, and go on where it dies.
    """
    with telling(store.folder):
        return await _pull(entry, remote, store=store, hub=hub, asker=asker)


async def _pull(entry: Entry, remote: RemoteFile, *, store: Store, hub: str, asker: Asker) -> Path:
    target = store.path(entry.name)
    store.folder.mkdir(parents=True, exist_ok=True)
    part = await _owned(store.part(entry.name, remote.sha256), target, remote, asker)
    if part is None:
        return target
    try:
        await _fetch(part, remote, asker)
        _readable(part, projector=is_projector_name(entry.name))
        origin = Origin(
            hub=hub,
            repository=remote.repository,
            file=remote.path,
            sha256=remote.sha256,
            bytes=remote.size,
            licence=entry.licence,
        )
        with part.or_nothing():
            store.note(entry.name, origin)
            part.place(target)
    finally:
        part.close()
    _tidy(entry.name, store)
    return target


def _tidy(name: str, store: Store) -> None:
    """Remove what came of other versions of the file, but for what another process still fetches."""
    for path in store.parts(name):
        if stale := Part.opened(path):
            stale.discard()
            stale.close()


async def _owned(path: Path, target: Path, remote: RemoteFile, asker: Asker) -> Part | None:
    """The part, ours alone; None when another process has put the file in place."""
    waiting = False
    while not _is_there(target):
        part = Part.opened(path)
        if part is None:
            if not waiting:
                asker.watch.says("another process fetches this file; waiting for it")
                waiting = True
            await asyncio.sleep(_LOOK_S)
            if size := _size(path):
                asker.watch.at(size, remote.size)
            continue
        if _is_there(target):  # between our two looks
            part.close()
            return None
        return part
    return None


async def _fetch(part: Part, remote: RemoteFile, asker: Asker) -> None:
    """Everything that is missing, and the checksum of all of it."""
    await asyncio.to_thread(part.resume)
    if part.size > remote.size:
        part.restart()
    resumed = part.size > 0
    if resumed:
        asker.watch.says(f"going on after {part.size / 1e6:.1f} MB that are here already")
    while True:
        part.check_room(remote.size)
        asker.watch.at(part.size, remote.size)
        await _rest(part, remote, asker)
        if part.sha256 == remote.sha256:
            return
        if not resumed:
            got = part.sha256
            part.discard()
            raise PullFailed(
                f"{remote.path!r} came with the SHA-256 {got}, but the hub states {remote.sha256}. It was removed. "
                "Pull again, or use another hub or mirror."
            )
        asker.watch.says("what was here is damaged; fetching all of it anew")
        resumed = False
        part.restart()


async def _rest(part: Part, remote: RemoteFile, asker: Asker) -> None:
    failures = 0
    while part.size < remote.size:
        before = part.size
        try:
            await _once(part, remote, asker)
        except (TransportError, HubTrouble) as exc:
            if isinstance(exc, RangeRefused):
                part.restart()
            failures = 1 if part.size - before >= _PROGRESS_BYTES else failures + 1
            await asker.rest(failures, exc)


async def _once(part: Part, remote: RemoteFile, asker: Asker) -> None:
    """Ask for the rest, and write as much of it as comes."""

    def look(headers: Mapping[str, str]) -> None:
        stated = _ETAG.fullmatch(headers.get("x-linked-etag", ""))
        if stated and stated[1] != remote.sha256:
            raise PullFailed(f"{remote.path!r} was changed at the hub just now. Pull again.")

    headers = {"Range": f"bytes={part.size}-"} if part.size else {}
    async with asker.opened(remote.url, headers=headers, look=look) as reply:
        _check_head(reply, part, remote)
        async for piece in reply.pieces():
            if part.size + len(piece) > remote.size:
                part.discard()
                raise PullFailed(f"The hub sends more than the {remote.size} bytes that it states for {remote.path!r}.")
            part.write(piece)
            asker.watch.at(part.size, remote.size)
    if part.size < remote.size:
        raise HubTrouble(f"the hub ended after {part.size} of {remote.size} bytes")


def _check_head(reply: StreamedReply, part: Part, remote: RemoteFile) -> None:
    """See that what comes begins where the part ends, and is as long as it should be."""
    if reply.status == 206:
        found = _RANGE.fullmatch(reply.headers.get("content-range", ""))
        if found is None or int(found[1]) != part.size:
            raise RangeRefused("the hub goes on from another place than was asked for")
        total = remote.size if found[2] == "*" else int(found[2])
    else:
        part.restart()  # it sends everything, whether that was asked for or not
        length = reply.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else remote.size
    if total != remote.size:
        raise PullFailed(
            f"The hub states {remote.size} bytes for {remote.path!r}, but sends {total}. Pull again, or elsewhere."
        )


def _readable(part: Part, *, projector: bool) -> None:
    try:
        _check(part.path, projector=projector)
    except WeightsUnreadable as exc:
        part.discard()
        raise PullFailed(f"What the hub has is no model that can be run, and was removed: {exc.message}") from exc


def _check(path: Path, *, projector: bool) -> None:
    if not projector:
        read_facts(path)
    elif (found := read_architecture(path)) != ARCHITECTURE:
        raise WeightsUnreadable(f"its architecture is {found!r}, which is no projector")


def _is_there(path: Path) -> bool:
    return path.exists()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
