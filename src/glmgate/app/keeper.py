"""Who keeps what all workers of a server have in common: the engine's children, and the slots of credentials.

A server of one process keeps them itself; a worker asks its parent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from typing_extensions import override

from glmgate.app.parent_counters import ParentCounters
from glmgate.app.parent_thoughts import ParentThoughts
from glmgate.app.standing import Standing, engines_now
from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.remote import RemoteSupervisor
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.policy.counters import Counters
from glmgate.policy.reasoning import ReasoningStore
from glmgate.routing.catalogue import Rank
from glmgate.routing.continuity import OwnPools
from glmgate.routing.interfaces import Pools
from glmgate.routing.remote import Known, RemotePools
from glmgate.telemetry.engines import EngineNow
from glmgate.telemetry.metrics import Metrics
from glmgate.transport.peers import Peer

STANDING: Final = "standing"
EXPOSITION: Final = "exposition"
NOW: Final = "now"

Given = tuple[tuple[LocalModel, Rank], ...]
"""Models whose weights are here, as they were found at the server's start."""


class Keeper(Protocol):
    """Keeps children and slots, or knows who does.

    `given`: the models to answer with; None: those that are found. `counters` and `thoughts`: those of a parent's
    memory.
    """

    supervisor: Supervision
    pools: Pools
    counters: Counters | None
    thoughts: ReasoningStore | None
    given: Given | None

    def here(self) -> Standing:
        """How those stand that are kept in this process."""
        ...

    async def standing(self) -> Standing:
        """How all of them stand. Raises Unavailable."""
        ...

    def engines(self) -> Sequence[EngineNow]:
        """The models that were asked for, as this process's metrics need to know them."""
        ...

    async def now(self, own: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What is going on in the whole server, where `own` tells it of this process. Raises Unavailable."""
        ...

    async def exposition(self, own: Metrics) -> bytes:
        """The metrics of the whole server, where `own` are this process's. Raises Unavailable."""
        ...

    async def aclose(self, *, grace_s: float) -> None:
        """Let leases end within `grace_s` seconds, then end all children."""
        ...


class OwnKeeper(Keeper):
    """Keeps everything in this process."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self.own_supervisor = Supervisor(settings)
        self.own_pools = OwnPools()
        self.supervisor: Supervision = self.own_supervisor
        self.pools: Pools = self.own_pools
        self.counters: Counters | None = None
        self.thoughts: ReasoningStore | None = None
        self.given: Given | None = None

    @override
    def here(self) -> Standing:
        return Standing(self.own_supervisor.status(), self.own_pools.state())

    @override
    async def standing(self) -> Standing:
        return self.here()

    @override
    def engines(self) -> Sequence[EngineNow]:
        return engines_now(self.here())

    @override
    async def now(self, own: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        return own()

    @override
    async def exposition(self, own: Metrics) -> bytes:
        return own.render()

    @override
    async def aclose(self, *, grace_s: float) -> None:
        await self.own_supervisor.aclose(grace_s=grace_s)


class ParentKeeper(Keeper):
    """A worker's: the parent keeps everything. It asks the workers for their metrics, this one too."""

    def __init__(self, peer: Peer, settings: EmbeddedSettings, *, given: Given, known: Known) -> None:
        self.remote_pools = RemotePools(peer, known)
        self.pools: Pools = self.remote_pools
        self.counters: Counters | None = ParentCounters(peer)
        self.thoughts: ReasoningStore | None = ParentThoughts(peer)
        self.given: Given | None = given
        self._supervisor = RemoteSupervisor(settings, peer)
        self.supervisor: Supervision = self._supervisor
        self._peer = peer

    @override
    def here(self) -> Standing:
        return Standing()

    @override
    async def standing(self) -> Standing:
        return msgspec.convert(await self._peer.ask(STANDING), Standing)

    @override
    def engines(self) -> Sequence[EngineNow]:
        """Only how much their caches hold: their states and slots are the parent's to tell."""
        slots = self._supervisor.settings.parallel
        return [EngineNow(name, "", cells=context * slots) for name, context in self._supervisor.contexts.items()]

    @override
    async def now(self, own: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._peer.ask(NOW)
        return found

    @override
    async def exposition(self, own: Metrics) -> bytes:
        text: bytes = await self._peer.ask(EXPOSITION)
        return text

    @override
    async def aclose(self, *, grace_s: float) -> None:
        await self._supervisor.aclose()


def standing_as_data(keeper: Keeper) -> Any:  # noqa: ANN401 -- what a message holds
    """How everything stands that is kept here, for a worker."""
    return msgspec.to_builtins(keeper.here())


def models_of(given: Given | None) -> Sequence[LocalModel]:
    """The models alone."""
    return [model for model, _ in given or ()]
