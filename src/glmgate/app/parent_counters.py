"""Counters that a parent keeps for its workers: the parent's own memory, asked over the channel.

What is counted is decided in `policy`. A parent that ends takes all of it along, and the next one begins with what the
ledger says, as a server of one process does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import astuple
from typing_extensions import override

from glmgate.policy.counters import (
    Ask,
    Bucket,
    Change,
    Counters,
    Lease,
    Outcome,
    Refused,
    Slot,
    Spend,
    State,
    Taken,
    Unloaded,
)
from glmgate.transport.peers import Peer, Services

_TAKE: Final = "counters take"
_SETTLE: Final = "counters settle"
_RENEW: Final = "counters renew"
_LEASED: Final = "counters leased"
_LOAD: Final = "counters load"

# By the first member of what travels. Its others are those of the class, in their order.
_ASKS: Final[Mapping[str, type[Bucket | Slot | Spend]]] = {"b": Bucket, "s": Slot, "p": Spend}
_NAMES: Final = {kind: name for name, kind in _ASKS.items()}

_Data = list[Any]


class ParentCounters(Counters):
    """Counters of this worker's parent. It ends with its parent."""

    forgets = False

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    @override
    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        kind, *values = await self._peer.ask(_TAKE, holder, [_ask_data(ask) for ask in asks])
        if kind == "taken":
            return Taken(tuple(State(*state) for state in values))
        if kind == "refused":
            return Refused(values[0], State(*values[1]))
        return Unloaded(tuple(values))

    @override
    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        await self._peer.ask(_SETTLE, holder, [(_ask_data(change.ask), change.by, change.held) for change in changes])

    @override
    async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        return _leases(await self._peer.ask(_RENEW, list(slots), list(leases)))

    @override
    async def load(self, used: Mapping[str, tuple[int, float]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        return _leases(await self._peer.ask(_LOAD, dict(used), list(leases)))

    @override
    async def leased(self, name: str) -> int:
        return int(await self._peer.ask(_LEASED, name))


def lending(counters: Counters) -> Services:
    """What workers may ask of these counters."""

    async def take(holder: str, asks: list[_Data]) -> _Data:
        return _outcome_data(await counters.take(holder, [_ask(data) for data in asks]))

    async def settle(holder: str, changes: list[tuple[_Data, int, int]]) -> None:
        await counters.settle(holder, [Change(_ask(data), by, held) for data, by, held in changes])

    async def renew(slots: list[tuple[str, str]], leases: list[Lease]) -> Sequence[Lease]:
        return await counters.renew([(name, holder) for name, holder in slots], _leases(leases))

    async def load(used: dict[str, tuple[int, float]], leases: list[Lease]) -> Sequence[Lease]:
        return await counters.load({name: (amount, until) for name, (amount, until) in used.items()}, _leases(leases))

    return Services(asks={_TAKE: take, _SETTLE: settle, _RENEW: renew, _LOAD: load, _LEASED: counters.leased})


def _leases(data: Iterable[Iterable[Any]]) -> list[Lease]:
    return [(name, holder, amount) for name, holder, amount in data]


def _ask_data(ask: Ask) -> _Data:
    return [_NAMES[type(ask)], *astuple(ask)]


def _ask(data: _Data) -> Ask:
    name, *values = data
    return _ASKS[name](*values)


def _outcome_data(outcome: Outcome) -> _Data:
    if isinstance(outcome, Taken):
        return ["taken", *(astuple(state) for state in outcome.states)]
    if isinstance(outcome, Refused):
        return ["refused", outcome.index, astuple(outcome.state)]
    return ["unloaded", *outcome.names]
