"""The supervisor of another process of ours, as the engine uses it here. The other side is `lending`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.lending import LEASE, SLOT, UNREACHABLE
from glmgate.engines.embedded.machine import memory_for_models
from glmgate.engines.embedded.process import Endpoint, endpoint, load_transport
from glmgate.engines.embedded.resident import Running
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel, context_of
from glmgate.transport.peers import Peer
from glmgate.weights.gguf import GgufFacts


@dataclass(slots=True)
class _Reached:
    """The way to a child, and how many requests use it."""

    endpoint: Endpoint
    users: int = 0


class RemoteSupervisor(Supervision):
    """Asks `peer` for slots and children; requests go to the children straight from here.

    `contexts` are the tokens that each request may have, for each model that was asked.
    """

    def __init__(self, settings: EmbeddedSettings, peer: Peer) -> None:
        self.settings = settings
        self._peer = peer
        self._budget = memory_for_models(settings.memory_bytes)
        self._reached: dict[str, _Reached] = {}
        self.waited: Callable[[str, float], object] = _nobody
        self.contexts: dict[str, int] = {}

    @override
    def context(self, facts: GgufFacts) -> int:
        return context_of(facts, self.settings, budget_bytes=self._budget)

    @override
    @asynccontextmanager
    async def slot(self, model: LocalModel) -> AsyncIterator[None]:
        came = time.monotonic()
        async with self._peer.hold(SLOT, model.name):
            self.waited(model.name, time.monotonic() - came)
            yield

    @override
    def runs(self, model: LocalModel) -> bool:
        return model.name in self._reached  # it did when it was last used from here; a lease finds out

    @override
    @asynccontextmanager
    async def lease(self, model: LocalModel, *, start: bool = True) -> AsyncIterator[Running]:
        async with self._peer.hold(LEASE, model.name, start) as (pid, path, key, context):
            reached = await self._way(model.name, Path(path), key)
            reached.users += 1
            self.contexts[model.name] = context
            try:
                yield Running(pid, reached.endpoint, context)
            finally:
                reached.users -= 1
                if not reached.users and self._reached.get(model.name) is not reached:
                    await reached.endpoint.transport.aclose()

    @override
    async def unreachable(self, model: LocalModel, pid: int) -> None:
        await self._peer.ask(UNREACHABLE, model.name, pid)

    async def aclose(self) -> None:
        """Close the connections to all children."""
        reached, self._reached = self._reached, {}
        for each in reached.values():
            await each.endpoint.transport.aclose()

    async def _way(self, name: str, path: Path, key: str) -> _Reached:
        """The way to that child; what led to the one before it is closed when nobody uses it any more."""
        if (reached := self._reached.get(name)) is not None and reached.endpoint.socket == path:
            return reached
        await load_transport()
        before = self._reached.get(name)
        if before is not None and before.endpoint.socket == path:
            return before
        made = self._reached[name] = _Reached(endpoint(path, key))
        if before is not None and not before.users:
            await before.endpoint.transport.aclose()
        return made


def _nobody(_: str, __: float) -> None:
    """Nobody wants to know how long a request waited."""
