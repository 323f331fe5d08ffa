"""Opening the whole program from its settings, and closing it again.

What answers for which name is made in `local` and `routes`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from glmgate.app.counting import counting
from glmgate.app.credentials import without_own_keys
from glmgate.app.families import Families
from glmgate.app.filters import filters_of, missing
from glmgate.app.health import Health
from glmgate.app.keeper import Keeper, OwnKeeper
from glmgate.app.ledger import Ledger, keeping
from glmgate.app.limits import admitting
from glmgate.app.local import local_deployments
from glmgate.app.memory import remembering
from glmgate.app.reload import Reloads, Reread, running
from glmgate.app.routes import Routes
from glmgate.app.sight import Sight, seeing
from glmgate.app.standing import child_states
from glmgate.app.states import readiness, upstreams_now
from glmgate.app.transport import LazyTransport
from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.machine import availability
from glmgate.errors import Unavailable
from glmgate.gateway.administration import Administration
from glmgate.gateway.admit import Means
from glmgate.gateway.filtering import Filters
from glmgate.gateway.gateway import Gateway
from glmgate.gateway.identify import Anyone, Identify
from glmgate.policy.quotes import PriceQuotes
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.routing.continuity import Continuity
from glmgate.settings import Settings
from glmgate.storage.accounts import Accounts, open_accounts
from glmgate.surfaces.application import Application, build
from glmgate.surfaces.interfaces import Exposition, Operations, Readiness
from glmgate.telemetry.log import RequestLog, get_logger
from glmgate.telemetry.metrics import CONTENT_TYPE, Metrics
from glmgate.telemetry.observers import Observers
from glmgate.telemetry.upstreams import UpstreamsNow


@dataclass(frozen=True, slots=True)
class App:
    """A program that is open: what answers HTTP, and what a start has to tell.

    `accounts` is None where no key is asked for. `first_key` is the whole key, on the start that made it.
    `engine_missing` says why the embedded engine cannot run; then there are no local models. `reloads` takes in
    changed settings; its `settings` are those that hold. `metrics` and `now` are of this process alone.
    """

    http: Application
    gateway: Gateway
    supervisor: Supervision
    metrics: Metrics
    now: Callable[[], Mapping[str, Any]]
    reloads: Reloads
    accounts: Accounts | None
    first_key: str | None
    engine_missing: str | None

    @property
    def catalogue(self) -> Catalogue:
        """Who answers which name now."""
        return self.gateway.catalogue


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    lost_lines: Callable[[], int] = int,
    reread: Reread | None = None,
    keeper: Keeper | None = None,
) -> AsyncIterator[App]:
    """Build and open everything; close it in reverse order, running answers first.

    `lost_lines` counts log lines that could not be written. With `reread` the settings are read again whenever one of
    their files changes. `keeper` is a worker's: then its parent has made the first key. Raises SettingsError,
    WeightsUnreadable.
    """
    async with AsyncExitStack() as stack:
        accounts = await _accounts(settings, stack)
        ledger = await stack.enter_async_context(keeping(settings))
        first = await accounts.keyring.create_first() if accounts and keeper is None else None
        missing = availability()
        kept = keeper or OwnKeeper(settings.engine)
        stack.push_async_callback(kept.aclose, grace_s=settings.server.shutdown_grace_s)
        books = ledger.books
        books.afterwards.tokenizer = families = Families(kept.supervisor)
        local = [] if missing else local_deployments(settings, kept.supervisor, families, kept.given)
        routes = await _routes(settings, stack, local, kept)
        settings = await without_own_keys(settings, accounts)

        def upstreams() -> UpstreamsNow:
            return upstreams_now(kept.here(), routes.breakers())

        metrics = Metrics(
            states=lambda: child_states(kept.here()),
            lost_lines=lost_lines,
            upstreams=upstreams,
            ledger=ledger.now,
            engines=kept.engines,
        )
        means = Means(
            await stack.enter_async_context(counting(settings, parent=kept.counters)),
            time.time,
            past=ledger.past,
            quotes=PriceQuotes(lambda: books.prices, books.estimator, time.time),
            watch=metrics.limits,
            settings=settings.limits,
        )
        sight = await stack.enter_async_context(
            seeing(settings, metrics=metrics, books=books, engines=kept.engines, upstreams=upstreams)
        )
        kept.supervisor.waited = metrics.engines.waited
        admission = await stack.enter_async_context(admitting(means))
        stack.push_async_callback(books.afterwards.aclose)
        gateway = Gateway(
            identify=Identify(accounts.store, accounts.master, watch=metrics.keys) if accounts else Anyone(),
            catalogue=routes.catalogue(settings),
            observer=Observers(*sight.observers, RequestLog(), metrics, ledger.endings),
            clock=time.monotonic,
            books=sight.books,
            admission=admission,
        )
        gateway.filters = _filters(settings, gateway, routes)
        await _tell_missing(accounts, gateway.filters)
        operations = _operations(gateway, routes, kept, missing, metrics=metrics, sight=sight)
        reloads = await _reloads(settings, stack, gateway, routes, ledger, accounts=accounts, reread=reread)
        yield App(
            http=build(gateway, operations, settings.server, _administration(accounts, ledger)),
            gateway=gateway,
            supervisor=kept.supervisor,
            metrics=metrics,
            now=sight.now,
            reloads=reloads,
            accounts=accounts,
            first_key=accounts.keyring.text(first) if accounts and first else None,
            engine_missing=missing,
        )


async def _accounts(settings: Settings, stack: AsyncExitStack) -> Accounts | None:
    if not settings.server.auth:
        return None
    accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
    stack.push_async_callback(accounts.aclose)
    return accounts


def _operations(
    gateway: Gateway, routes: Routes, keeper: Keeper, missing: str | None, *, metrics: Metrics, sight: Sight
) -> Operations:
    async def ready() -> Readiness:
        return readiness(gateway.catalogue, await keeper.standing(), missing, routes.breakers())

    async def exposition() -> Exposition:
        return Exposition(CONTENT_TYPE, await keeper.exposition(metrics))

    async def now() -> Mapping[str, Any]:
        return await keeper.now(sight.now)

    return Operations(ready, exposition, now)


def _administration(accounts: Accounts | None, ledger: Ledger) -> Administration | None:
    if accounts is None or ledger.reports is None:
        return None
    return Administration(accounts.keyring, accounts.directory, accounts.audit, ledger.reports)


async def _routes(settings: Settings, stack: AsyncExitStack, local: list[Deployment], keeper: Keeper) -> Routes:
    memory = await stack.enter_async_context(remembering(settings, parent=keeper.thoughts))
    transport = LazyTransport(settings.proxies)
    stack.push_async_callback(transport.aclose)
    return Routes(local, memory, transport, Continuity(pools=keeper.pools))


def _filters(settings: Settings, gateway: Gateway, routes: Routes) -> Filters:
    return filters_of(settings, transport=routes.transport, catalogue=lambda: gateway.catalogue)


async def _tell_missing(accounts: Accounts | None, filters: Filters) -> None:
    """Tell of filters that are asked for and not there, before a request is refused for it."""
    log = get_logger("glmgate.filters")
    try:
        keys = () if accounts is None else await accounts.keyring.keys()
    except Unavailable as error:
        log.warning("whether terms name filters that are missing could not be seen", reason=error.message)
        return
    if names := missing(keys, filters):
        log.error("terms name filters that the settings do not have", filters=list(names))


async def _reloads(
    settings: Settings,
    stack: AsyncExitStack,
    gateway: Gateway,
    routes: Routes,
    ledger: Ledger,
    *,
    accounts: Accounts | None,
    reread: Reread | None,
) -> Reloads:
    """What takes in changed settings: it runs, where they can be read again, until the program closes."""
    health = Health(routes.transport, routes.continuity.breaker)
    stack.push_async_callback(health.aclose)
    health.watch(settings, routes.places(settings))

    async def apply(changed: Settings) -> None:
        # Nothing waits between making the catalogue and using it: a request sees the old one or the new one.
        usable = await without_own_keys(changed, accounts)
        gateway.catalogue = routes.catalogue(usable)
        ledger.books.prices = usable.prices
        gateway.filters = _filters(usable, gateway, routes)
        health.watch(usable, routes.places(usable))
        await _tell_missing(accounts, gateway.filters)

    reloads = Reloads(settings, reread=reread or (lambda: settings), apply=apply)
    if reread is not None:
        await stack.enter_async_context(running(reloads.run()))
    return reloads
