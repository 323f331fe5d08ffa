"""The supervisor lent to other processes of ours: slots, leases and faults as a worker sees them (`remote`)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.random_model import TINY, write
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.lending import lending
from glmgate.engines.embedded.process import Endpoint
from glmgate.engines.embedded.remote import RemoteSupervisor
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import CapacityExceeded, Unavailable
from glmgate.transport.peers import Peer
from glmgate.weights.gguf import read_facts
from tests.engines.embedded.asking import answer, chat
from tests.engines.embedded.children import FakeChild, SilentTransport
from tests.transport.pairs import pair, until

SETTINGS = EmbeddedSettings(threads=1, context=256, parallel=1, queue=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """A model."""
    return LocalModel("m", write(tmp_path_factory.mktemp("models") / "m.gguf", TINY, template=""))


class SocketLaunch:
    """Starts children that never answer, each at a path of its own."""

    def __init__(self) -> None:
        self.children: list[FakeChild] = []

    async def __call__(self, parameters: Mapping[str, Any], *, timeout_s: float) -> FakeChild:
        """Start a child."""
        number = len(self.children) + 1
        endpoint = Endpoint(SilentTransport(), f"key-{number}", Path(f"/nowhere/{number}.sock"))
        self.children.append(FakeChild(pid=number, model="m", endpoint=endpoint))
        return self.children[-1]


@asynccontextmanager
async def lent(
    model: LocalModel, workers: int = 1, settings: EmbeddedSettings = SETTINGS
) -> AsyncIterator[tuple[Supervisor, SocketLaunch, list[tuple[Peer, RemoteSupervisor]]]]:
    """A supervisor of fake children, and so many workers that use it."""
    launch = SocketLaunch()
    supervisor = Supervisor(settings, start=launch)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(supervisor.aclose, grace_s=5)
        found = []
        for _ in range(workers):
            _, peer = await stack.enter_async_context(pair(lending(supervisor, [model])))
            remote = RemoteSupervisor(settings, peer)
            stack.push_async_callback(remote.aclose)
            found.append((peer, remote))
        yield supervisor, launch, found


async def test_a_worker_gets_the_way_to_the_child(model: LocalModel) -> None:
    """The path, the key and the context; while it is held the child has a lease."""
    async with lent(model) as (supervisor, launch, [(_, remote)]):
        async with remote.lease(model) as running:
            assert (running.pid, running.context, running.endpoint.key) == (1, 256, "key-1")
            assert running.endpoint.socket == Path("/nowhere/1.sock")
            assert [status.leases for status in supervisor.status()] == [1]
            async with remote.lease(model) as again:
                assert again.endpoint is running.endpoint
        await until(lambda: [status.leases for status in supervisor.status()] == [0])
        assert len(launch.children) == 1


async def test_all_workers_use_the_same_child(model: LocalModel) -> None:
    """However many come first."""
    async with lent(model, workers=3) as (_, launch, workers):

        async def use(remote: RemoteSupervisor) -> int:
            async with remote.lease(model) as running:
                return running.pid

        assert await asyncio.gather(*(use(remote) for _, remote in workers)) == [1, 1, 1]
        assert len(launch.children) == 1


async def test_slots_and_the_queue_hold_across_workers(model: LocalModel) -> None:
    """One answers, one waits, the third is told to come back; the one that waits gets the slot."""
    async with lent(model, workers=3) as (supervisor, _, workers):
        first, second, third = (remote for _, remote in workers)
        async with first.slot(model):
            waiting = asyncio.create_task(_held(second, model))
            await until(lambda: supervisor.slots(model).waiting == 1)
            with pytest.raises(CapacityExceeded, match="1 slots of the model are busy") as found:
                await _held(third, model)
            assert found.value.retry_after_s == 1
        await waiting
        await until(lambda: supervisor.slots(model).busy == 0)


async def _held(remote: RemoteSupervisor, model: LocalModel) -> None:
    async with remote.slot(model):
        pass


async def test_what_a_worker_held_is_free_when_it_is_gone(model: LocalModel) -> None:
    """Its slot goes to who waits, its lease to nobody: a child that nobody uses may be unloaded."""
    async with lent(model, workers=2) as (supervisor, _, [(dying, first), (_, second)]):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(first.slot(model))
            await stack.enter_async_context(first.lease(model))
            waiting = asyncio.create_task(_held(second, model))
            await until(lambda: supervisor.slots(model).waiting == 1)
            dying.close()
            await asyncio.wait_for(waiting, 5)
        await until(lambda: [(each.busy, each.waiting, each.leases) for each in supervisor.status()] == [(0, 0, 0)])


async def test_a_child_that_broke_is_replaced_for_workers_too(model: LocalModel) -> None:
    """Who could not reach it waits until that was noticed, and finds the way to the next one."""
    async with lent(model) as (_, launch, [(_, remote)]):
        async with remote.lease(model) as before:
            launch.children[0].crash()
            await remote.unreachable(model, before.pid)
            async with remote.lease(model) as after:
                assert (after.pid, after.endpoint.socket) == (2, Path("/nowhere/2.sock"))
                assert after.endpoint is not before.endpoint
        await remote.unreachable(model, 77)  # one that nobody knows any more: nothing to wait for


async def test_a_model_that_the_parent_does_not_know_is_unavailable(model: LocalModel) -> None:
    """No path of a worker's is started."""
    async with lent(model) as (supervisor, launch, [(_, remote)]):
        with pytest.raises(Unavailable, match="'other' is not known"):
            await _held(remote, LocalModel("other", model.path))
        assert (supervisor.status(), launch.children) == ((), [])


async def test_a_worker_without_a_parent_is_told_so(model: LocalModel) -> None:
    """As while a server shuts down."""
    async with lent(model) as (_, __, [(peer, remote)]):
        peer.close()
        await until(peer.lost.is_set)
        with pytest.raises(Unavailable, match="shutting down"):
            await _held(remote, model)


async def test_the_context_is_the_same_on_both_sides(model: LocalModel) -> None:
    """Without asking."""
    facts = read_facts(model.path)
    async with lent(model) as (supervisor, _, [(_, remote)]):
        assert remote.context(facts) == supervisor.context(facts) == 256


@pytest.mark.engine
async def test_a_worker_asks_the_real_child_by_itself(shipped_chat: LocalModel) -> None:
    """The parent lends; the words come straight from the child, and it may be asked again after a crash."""
    settings = EmbeddedSettings(threads=1, context=512, seed=1)
    supervisor = Supervisor(settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(supervisor.aclose, grace_s=5)
        _, peer = await stack.enter_async_context(pair(lending(supervisor, [shipped_chat])))
        remote = RemoteSupervisor(settings, peer)
        stack.push_async_callback(remote.aclose)
        engine = EmbeddedEngine(shipped_chat, remote)
        assert (await answer(engine, chat())).choices[0].content
        async with supervisor.lease(shipped_chat) as running:
            os.kill(running.pid, signal.SIGKILL)
        await until(lambda: [status.breaks for status in supervisor.status()] == [1])
        assert (await answer(engine, chat())).choices[0].content
        await until(lambda: [status.busy for status in supervisor.status()] == [0])
