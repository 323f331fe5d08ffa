"""The pools of another process of ours, as attempts use them here. The other side is `lending`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import TracebackType

from typing_extensions import override

from glmgate.errors import GlmgateError
from glmgate.routing.interfaces import Places, Pools, PoolState, SlotLease, SlotPool
from glmgate.routing.learning import Learn
from glmgate.routing.lending import OVERLOADED, PARK, REST, SLOT, WENT_WELL
from glmgate.transport.peers import Held, Peer
from glmgate.wire.error_data import as_data

Known = Mapping[str, Mapping[str, int]]
"""The place of each credential by its fingerprint, for each upstream."""


class RemoteLease(SlotLease):
    """A slot that is held in the other process. It is free there when this process ends."""

    __slots__ = ("_held", "credential")

    def __init__(self, held: Held) -> None:
        self.credential: int = held.value
        self._held = held

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @override
    def release(self) -> None:
        self._held.release()

    @override
    def went_well(self) -> None:
        self._held.note(WENT_WELL)

    @override
    def overloaded(self) -> None:
        self._held.note(OVERLOADED)


class RemotePool(SlotPool):
    """One upstream's pool."""

    def __init__(self, name: str, peer: Peer) -> None:
        self._name = name
        self._peer = peer

    @override
    async def acquire(
        self,
        key_id: str,
        *,
        timeout_s: float,
        avoid: frozenset[int] = frozenset(),
        among: Collection[int] | None = None,
    ) -> RemoteLease:
        allowed = None if among is None else list(among)
        return RemoteLease(await self._peer.take(SLOT, self._name, key_id, timeout_s, list(avoid), allowed))

    @override
    def park(self, credential: int, until: float | None, *, reason: GlmgateError | None = None) -> None:
        self._peer.tell(PARK, self._name, credential, until, None if reason is None else as_data(reason))

    @override
    def rest(self, credential: int, seconds: float) -> None:
        self._peer.tell(REST, self._name, credential, seconds)


class RemotePools(Pools):
    """All pools. `known` says where their credentials are; it is replaced before settings change."""

    def __init__(self, peer: Peer, known: Known) -> None:
        self.known = known
        self._peer = peer

    @override
    def places(self, name: str, fingerprints: Sequence[str], *, limit: int | Learn, queue_limit: int) -> Places:
        known = self.known[name]
        return Places(RemotePool(name, self._peer), tuple(known[fingerprint] for fingerprint in fingerprints))

    @override
    def keep(self, names: Collection[str]) -> None:
        """The other process decides that."""

    @override
    def state(self) -> tuple[PoolState, ...]:
        """None: who keeps them tells it."""
        return ()
