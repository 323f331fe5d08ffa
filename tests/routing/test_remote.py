"""Pools of another process, as attempts use them: what holds across workers, and what ends with one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from glmgate.errors import QuotaExhausted
from glmgate.routing.continuity import OwnPools
from glmgate.routing.interfaces import NoSlot, PoolState, SlotPool
from glmgate.routing.learning import Learn
from glmgate.routing.lending import lending
from glmgate.routing.remote import RemotePools
from glmgate.transport.peers import Peer
from tests.transport.pairs import pair, until


@dataclass(frozen=True, slots=True)
class Stage:
    """Pools, and the workers that use them."""

    pools: OwnPools
    peers: list[Peer]
    workers: list[SlotPool]

    @property
    def state(self) -> PoolState:
        """How the one pool stands."""
        return self.pools.state()[0]

    @property
    def in_flight(self) -> list[int]:
        """The calls on each credential."""
        return [each.in_flight for each in self.state.credentials]


@asynccontextmanager
async def staged(
    workers: int = 2, *, limit: int | Learn = 1, credentials: tuple[str, ...] = ("a",), queue: int = 8
) -> AsyncIterator[Stage]:
    """One upstream's credentials, and so many workers."""
    pools = OwnPools()
    pools.places("zai", credentials, limit=limit, queue_limit=queue)
    async with AsyncExitStack() as stack:
        peers, found = [], []
        for _ in range(workers):
            _, peer = await stack.enter_async_context(pair(lending(pools.all)))
            known = {name: pool.places() for name, pool in pools.all().items()}
            places = RemotePools(peer, known).places("zai", credentials, limit=limit, queue_limit=queue)
            assert places.places == tuple(range(len(credentials)))
            peers.append(peer)
            found.append(places.pool)
        yield Stage(pools, peers, found)


async def test_a_slot_of_one_worker_is_none_of_another_s() -> None:
    """Who asks second waits for the first, in another process."""
    async with staged() as stage:
        first, second = stage.workers
        lease = await first.acquire("key", timeout_s=5)
        waiting = asyncio.create_task(second.acquire("key", timeout_s=5))
        await until(lambda: stage.state.waiting == 1)
        assert stage.in_flight == [1]
        lease.release()
        with await waiting as second_lease:
            assert second_lease.credential == 0
        await until(lambda: stage.in_flight == [0])


async def test_who_waits_too_long_is_told_as_ever() -> None:
    """The same error, with the time that others take."""
    async with staged() as stage:
        await stage.workers[0].acquire("key", timeout_s=5)
        with pytest.raises(NoSlot, match="All slots of 'zai' are taken") as found:
            await stage.workers[1].acquire("key", timeout_s=0.01)
        assert found.value.retry_after_s is not None


async def test_a_request_that_is_left_waits_no_more() -> None:
    """Its place in the queue is free at once."""
    async with staged() as stage:
        await stage.workers[0].acquire("key", timeout_s=5)
        waiting = asyncio.create_task(stage.workers[1].acquire("key", timeout_s=50))
        await until(lambda: stage.state.waiting == 1)
        waiting.cancel()
        await until(lambda: stage.state.waiting == 0)


async def test_the_slots_of_a_worker_are_free_when_it_is_gone() -> None:
    """And those that it waited for are given to others, with the limit full."""
    async with staged(limit=4) as stage:
        first, second = stage.workers
        for _ in range(4):
            await first.acquire("key", timeout_s=5)
        lost = asyncio.create_task(first.acquire("key", timeout_s=50))
        await until(lambda: stage.state.waiting == 1)
        waiting = [asyncio.create_task(second.acquire("key", timeout_s=5)) for _ in range(4)]
        await until(lambda: stage.state.waiting == 5)
        stage.peers[0].close()
        assert len(await asyncio.gather(*waiting)) == 4
        assert stage.in_flight == [4]
        await asyncio.wait({lost})
        assert lost.exception() is not None


async def test_a_credential_that_one_worker_parks_is_parked_for_all() -> None:
    """With the reason that everybody is told."""
    async with staged(credentials=("a", "b")) as stage:
        first, second = stage.workers
        lease = await first.acquire("key", timeout_s=5)
        first.park(lease.credential, None, reason=QuotaExhausted("no money", code="1113"))
        await until(lambda: stage.state.credentials[0].parked_until)
        other = await second.acquire("key", timeout_s=5)
        assert other.credential == 1
        second.park(1, None, reason=QuotaExhausted("no money"))
        with pytest.raises(QuotaExhausted, match="No credential of 'zai' has money"):
            await first.acquire("key", timeout_s=5)


async def test_a_limit_is_learned_once_for_all_workers() -> None:
    """It is not tried anew by each: what one was refused the other does not ask."""
    async with staged(limit=Learn(start=4, most=8)) as stage:
        first, second = stage.workers
        leases = [await first.acquire("key", timeout_s=5) for _ in range(4)]
        leases[-1].overloaded()
        await until(lambda: stage.state.credentials[0].limit == 2)
        for lease in leases:
            lease.release()
        await until(lambda: stage.in_flight == [0])
        held = [await second.acquire("key", timeout_s=5) for _ in range(2)]
        with pytest.raises(NoSlot):
            await second.acquire("key", timeout_s=0)
        for lease in held:
            lease.went_well()
        await until(lambda: stage.state.credentials[0].limit >= 2)


async def test_a_credential_that_is_to_rest_rests_for_all() -> None:
    """Who cannot wait for it goes elsewhere at once."""
    async with staged() as stage:
        stage.workers[0].rest(0, 30)
        await until(lambda: stage.state.credentials[0].resting_until)
        with pytest.raises(NoSlot, match="asks to be left alone"):
            await stage.workers[1].acquire("key", timeout_s=1)


async def test_only_what_a_request_may_use_is_given() -> None:
    """Not what it has to avoid, nor what its route does not have."""
    async with staged(credentials=("a", "b", "c")) as stage:
        pool = stage.workers[0]
        lease = await pool.acquire("key", timeout_s=1, avoid=frozenset({0}), among=[0, 2])
        assert lease.credential == 2


async def test_a_pool_that_is_gone_from_the_settings_serves_who_knows_it() -> None:
    """A request that began before a reload goes on; a name that never was is refused."""
    async with staged() as stage:
        lease = await stage.workers[0].acquire("key", timeout_s=1)
        stage.pools.keep(())
        lease.release()
        assert (await stage.workers[0].acquire("key", timeout_s=1)).credential == 0
        with pytest.raises(NoSlot, match="is known any more"):
            await (
                RemotePools(stage.peers[0], {"other": {"": 0}})
                .places("other", [""], limit=1, queue_limit=1)
                .pool.acquire("key", timeout_s=1)
            )


async def test_places_are_those_that_the_parent_gave() -> None:
    """After a reload, too; how the pools stand is the parent's to say."""
    async with staged() as stage:
        pools = RemotePools(stage.peers[0], {"zai": {"a": 0}})
        stage.pools.places("zai", ["new", "a"], limit=1, queue_limit=1)
        pools.known = {name: pool.places() for name, pool in stage.pools.all().items()}
        assert pools.places("zai", ["new", "a"], limit=1, queue_limit=1).places == (1, 0)
        pools.keep(())
        assert pools.state() == ()
