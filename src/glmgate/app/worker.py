"""A worker: answers requests on its parent's sockets, with its parent's children and slots, until the parent says so.

How it is started and what it may ask for is in `spawn` and `parent`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Callable
from typing import Any

from glmgate.app.handover import Handover, change, handover
from glmgate.app.interpreter import ready_to_serve
from glmgate.app.keeper import ParentKeeper
from glmgate.app.program import App, opened
from glmgate.app.spawn import CHANGE, FAILED, FORCE, HANDOVER, METRICS, READY, STOP, UNDER_WAY
from glmgate.engines.embedded.process import load_transport
from glmgate.errors import GlmgateError
from glmgate.settings import Settings
from glmgate.surfaces.server import Server, make
from glmgate.telemetry.log import LineWriter
from glmgate.transport.peers import Peer, Services

Configure = Callable[[Settings], LineWriter]
"""Begins the log of this process."""


class WorkerFailed(Exception):
    """The worker could not begin; its parent was told why."""


class WorkerServer:
    """What the parent may ask of a worker. There is a server once everything is open."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.server: Server | None = None
        self.keeper: ParentKeeper | None = None
        self.services = Services(
            asks={METRICS: self._metrics, UNDER_WAY: self._under_way, CHANGE: self._change},
            tells={STOP: self._stop, FORCE: self._force},
        )

    async def _metrics(self) -> Any:  # noqa: ANN401 -- what a message holds
        return [] if self.app is None else self.app.metrics.families()

    async def _under_way(self) -> Any:  # noqa: ANN401 -- what a message holds
        return {} if self.app is None else dict(self.app.now())

    async def _change(self, data: bytes) -> None:
        if self.app is not None and self.keeper is not None:
            changed = change(data)
            self.keeper.remote_pools.known = changed.known
            await self.app.reloads.take(changed.settings)

    def _stop(self, at_once: bool) -> None:  # noqa: FBT001 -- a message's value
        if self.server is not None:
            self.server.stop(at_once=at_once)

    def _force(self) -> None:
        if self.server is not None:
            self.server.stop(at_once=True)
            self.server.force_exit = True


async def work(end: socket.socket, configure: Configure) -> None:
    """Answer requests until the parent says stop or is gone. Raises WorkerFailed."""
    begun = WorkerServer()
    peer = Peer(begun.services)
    await peer.open(end)
    try:
        given = handover(await peer.ask(HANDOVER))
        log = configure(given.change.settings)
        await _serve(begun, peer, given, log)
    except GlmgateError as error:
        peer.tell(FAILED, error.message)
        raise WorkerFailed(error.message) from error
    finally:
        peer.close()


async def _serve(begun: WorkerServer, peer: Peer, given: Handover, log: LineWriter) -> None:
    settings = share(given.change.settings)
    begun.keeper = ParentKeeper(peer, settings.engine, given=given.given, known=given.change.known)
    sockets = [socket.socket(fileno=number) for number in given.sockets]
    async with opened(settings, lost_lines=lambda: log.lost, keeper=begun.keeper) as app:
        # A server of one process is ready a second sooner without it; of several, each one's first request would wait.
        await load_transport()

        def ready(_: str, __: int) -> None:
            ready_to_serve()
            peer.tell(READY)

        begun.app = app
        begun.server = make(app.http, settings.server, sockets, on_ready=ready)
        orphaned = asyncio.create_task(_when_lost(peer, begun.server))
        try:
            await begun.server.serve(sockets)
        finally:
            orphaned.cancel()


async def _when_lost(peer: Peer, server: Server) -> None:
    """Without its parent a worker has neither engine nor slots, and would hold the port against the next server."""
    await peer.lost.wait()
    server.stop(at_once=True)


def share(settings: Settings) -> Settings:
    """The settings with this worker's share of the memory that the server may use for requests and answers."""
    count = settings.server.workers
    server, cache = settings.server, settings.cache
    return dataclasses.replace(
        settings,
        server=dataclasses.replace(
            server, total_body_bytes=max(server.max_body_bytes, server.total_body_bytes // count)
        ),
        cache=dataclasses.replace(cache, most_bytes=max(cache.longest_bytes, cache.most_bytes // count)),
        reasoning=dataclasses.replace(settings.reasoning, front_bytes=settings.reasoning.front_bytes // count),
    )
