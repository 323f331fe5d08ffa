"""The parent of several workers: it answers no request, but keeps what they have in common, and reads the settings.

Children of the engine and slots of credentials are here, so limits hold across workers; what a worker held is free
when it ends.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from glmgate.app import parent_counters, parent_thoughts
from glmgate.app.credentials import without_own_keys
from glmgate.app.families import Families
from glmgate.app.handover import Change, Handover, packed
from glmgate.app.keeper import EXPOSITION, NOW, STANDING, OwnKeeper, models_of, standing_as_data
from glmgate.app.local import found_models, local_deployments
from glmgate.app.memory import Memory, thoughts_in_memory
from glmgate.app.reload import Reloads, Reread, running
from glmgate.app.routes import Routes
from glmgate.app.spawn import Spawn
from glmgate.app.standing import child_states
from glmgate.app.states import upstreams_now
from glmgate.app.transport import LazyTransport
from glmgate.app.workers import Workers
from glmgate.engines.embedded import lending as engine_lending
from glmgate.engines.embedded.machine import availability
from glmgate.policy.cache import MemoryAnswerCache
from glmgate.policy.counters import MemoryCounters
from glmgate.policy.memory import MemoryReasoningStore
from glmgate.policy.reasoning import ReasoningStore
from glmgate.routing import lending as routing_lending
from glmgate.routing.catalogue import Catalogue
from glmgate.routing.continuity import Continuity
from glmgate.settings import Settings
from glmgate.storage.accounts import Accounts, open_accounts
from glmgate.telemetry.flights import Flights
from glmgate.telemetry.metrics import Metrics
from glmgate.telemetry.now import now, together
from glmgate.telemetry.workers import WorkerMetrics
from glmgate.transport.peers import Services


@dataclass(slots=True)
class Parent:
    """A server of several workers that is open, but for the workers. The members are those of `App`."""

    catalogue: Catalogue
    workers: Workers
    reloads: Reloads
    accounts: Accounts | None
    first_key: str | None
    engine_missing: str | None


@asynccontextmanager
async def parenting(
    settings: Settings,
    sockets: Sequence[socket.socket],
    command: Sequence[str],
    *,
    lost_lines: Callable[[], int] = int,
    reread: Reread,
) -> AsyncIterator[Parent]:
    """Open what workers have in common, and close it when they have ended.

    `command` is the program of a worker: it gets the number of the file that its channel to here is. Raises
    SettingsError, WeightsUnreadable.
    """
    async with AsyncExitStack() as stack:
        accounts = await _accounts(settings, stack)
        first = await accounts.keyring.create_first() if accounts else None
        keeper = OwnKeeper(settings.engine)
        stack.push_async_callback(keeper.aclose, grace_s=settings.server.shutdown_grace_s)
        missing = availability()
        given = found_models(settings)
        local = [] if missing else local_deployments(settings, keeper.supervisor, Families(keeper.supervisor), given)
        transport = LazyTransport(settings.proxies)
        stack.push_async_callback(transport.aclose)
        routes = Routes(local, _nothing(), transport, Continuity(pools=keeper.own_pools))
        usable = await without_own_keys(settings, accounts)
        metrics = _metrics(keeper, lost_lines)

        async def apply(changed: Settings) -> None:
            parent.catalogue = routes.catalogue(await without_own_keys(changed, accounts))
            await spawn.change(packed(Change(changed, _known(keeper))))

        reloads = Reloads(usable, reread=reread, apply=apply)

        def hand_over() -> bytes:
            change = Change(reloads.settings, _known(keeper))
            return packed(Handover(change, given, tuple(each.fileno() for each in sockets)))

        async def exposition() -> bytes:
            await spawn.look()
            return spawn.totals.render(metrics.families())

        async def going_on() -> Mapping[str, Any]:
            own = now(Flights(), keeper.engines(), upstreams_now(keeper.here(), {}))
            return together([own, *await spawn.under_way()])

        looks = {EXPOSITION: exposition, NOW: going_on}
        engine = engine_lending.lending(keeper.supervisor, models_of(given))
        services = _services(keeper, engine, thoughts_in_memory(settings.reasoning), looks)
        spawn = Spawn(command, [each.fileno() for each in sockets], services=services, hand_over=hand_over)
        workers = Workers(settings.server.workers, spawn)
        metrics.register(WorkerMetrics(lambda: workers.ready, lambda: workers.replaced))
        parent = Parent(
            catalogue=routes.catalogue(usable),
            workers=workers,
            reloads=reloads,
            accounts=accounts,
            first_key=accounts.keyring.text(first) if accounts and first else None,
            engine_missing=missing,
        )
        await stack.enter_async_context(running(reloads.run()))
        await stack.enter_async_context(running(spawn.run()))
        yield parent


async def _accounts(settings: Settings, stack: AsyncExitStack) -> Accounts | None:
    """Opened here first: migrations and the first key are made once, and not by each worker."""
    if not settings.server.auth:
        return None
    accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
    stack.push_async_callback(accounts.aclose)
    return accounts


def _nothing() -> Memory:
    """The parent answers nothing, so it remembers nothing."""
    return Memory(
        MemoryAnswerCache(most_bytes=0, longest_bytes=0),
        MemoryReasoningStore(ttl_s=0, most_bytes=0, longest_bytes=0),
    )


def _known(keeper: OwnKeeper) -> dict[str, dict[str, int]]:
    return {name: pool.places() for name, pool in keeper.own_pools.all().items()}


def _metrics(keeper: OwnKeeper, lost_lines: Callable[[], int]) -> Metrics:
    return Metrics(
        states=lambda: child_states(keeper.here()),
        lost_lines=lost_lines,
        upstreams=lambda: upstreams_now(keeper.here(), {}),
        engines=keeper.engines,
    )


def _services(
    keeper: OwnKeeper,
    engine: Services,
    thoughts: ReasoningStore,
    looks: Mapping[str, Callable[[], Awaitable[Any]]],
) -> Services:
    async def standing() -> Any:  # noqa: ANN401 -- what a message holds
        return standing_as_data(keeper)

    slots = routing_lending.lending(keeper.own_pools.all)
    counters = parent_counters.lending(MemoryCounters())
    remembered = parent_thoughts.lending(thoughts)
    return Services(
        asks={**engine.asks, **counters.asks, **remembered.asks, STANDING: standing, **looks},
        holds={**engine.holds, **slots.holds},
        tells=slots.tells,
    )
