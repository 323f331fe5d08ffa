"""Slots of upstreams' credentials for other processes of ours: all that is known of a pool stays here.

The other side is `remote`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from glmgate.routing.interfaces import NoSlot
from glmgate.routing.slots import Pool
from glmgate.transport.peers import Lent, Services
from glmgate.wire.error_data import from_data

SLOT: Final = "credential slot"
PARK: Final = "credential park"
REST: Final = "credential rest"

WENT_WELL: Final = "went well"
OVERLOADED: Final = "overloaded"


def lending(pools: Callable[[], Mapping[str, Pool]]) -> Services:
    """What a process of ours may ask for of these pools, by upstream."""
    known: dict[str, Pool] = {}

    def pool_of(name: str) -> Pool:
        # A request that began before a reload goes on with the pool that it knew.
        known.update(pools())
        if (pool := known.get(name)) is None:
            raise NoSlot(f"No credential of {name!r} is known any more.", retry=False)
        return pool

    @asynccontextmanager
    async def slot(
        name: str, key_id: str, timeout_s: float, avoid: list[int], among: list[int] | None
    ) -> AsyncIterator[Lent]:
        pool = pool_of(name)
        lease = await pool.acquire(key_id, timeout_s=timeout_s, avoid=frozenset(avoid), among=among)
        notes = {WENT_WELL: lease.went_well, OVERLOADED: lease.overloaded}
        with lease:
            yield Lent(lease.credential, lambda note: notes[note]())

    def park(name: str, credential: int, until: float | None, reason: dict[str, Any] | None) -> None:
        pool_of(name).park(credential, until, reason=None if reason is None else from_data(reason))

    def rest(name: str, credential: int, seconds: float) -> None:
        pool_of(name).rest(credential, seconds)

    return Services(holds={SLOT: slot}, tells={PARK: park, REST: rest})
