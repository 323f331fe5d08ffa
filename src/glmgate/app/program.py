"""Opening the whole program from its settings, and closing it again.

What answers for which name is made in `local` and `routes`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from glmgate.app.counting import counting
from glmgate.app.credentials import without_own_keys
from glmgate.app.families import Families
from glmgate.app.health import Health
from glmgate.app.ledger import Ledger, keeping
from glmgate.app.limits import admitting
from glmgate.app.local import local_deployments
from glmgate.app.memory import remembering
from glmgate.app.reload import Reloads, Reread
from glmgate.app.routes import Routes
from glmgate.app.sight import seeing
from glmgate.app.states import child_states, engines_now, readiness
from glmgate.app.transport import LazyTransport
from glmgate.engines.embedded.machine import availability
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.gateway.administration import Administration
from glmgate.gateway.admit import Means
from glmgate.gateway.gateway import Gateway
from glmgate.gateway.identify import Anyone, Identify
from glmgate.policy.quotes import PriceQuotes
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.settings import Settings
from glmgate.storage.accounts import Accounts, open_accounts
from glmgate.surfaces.application import Application, build
from glmgate.surfaces.interfaces import Exposition, Operations
from glmgate.telemetry.log import RequestLog
from glmgate.telemetry.metrics import CONTENT_TYPE, Metrics
from glmgate.telemetry.observers import Observers


@dataclass(frozen=True, slots=True)
class App:
    """A program that is open: what answers HTTP, and what a start has to tell.

    `accounts` is None where no key is asked for. `first_key` is the whole key, on the start that made it.
    `engine_missing` says why the embedded engine cannot run; then there are no local models. `reloads` takes in
    changed settings; its `settings` are those that hold.
    """

    http: Application
    gateway: Gateway
    supervisor: Supervisor
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
    settings: Settings, *, lost_lines: Callable[[], int] = int, reread: Reread | None = None
) -> AsyncIterator[App]:
    """Build and open everything; close it in reverse order, running answers first.

    `lost_lines` counts log lines that could not be written. With `reread` the settings are read again whenever one of
    their files changes. Raises SettingsError, WeightsUnreadable.
    """
    async with AsyncExitStack() as stack:
        accounts = await _accounts(settings, stack)
        ledger = await stack.enter_async_context(keeping(settings))
        first = await accounts.keyring.create_first() if accounts else None
        missing = availability()
        supervisor = Supervisor(settings.engine)
        stack.push_async_callback(supervisor.aclose, grace_s=settings.server.shutdown_grace_s)
        books = ledger.books
        books.afterwards.tokenizer = families = Families(supervisor)
        routes = await _routes(settings, stack, [] if missing else local_deployments(settings, supervisor, families))
        settings = await without_own_keys(settings, accounts)
        engines = functools.partial(engines_now, supervisor)
        metrics = Metrics(
            states=lambda: child_states(supervisor),
            lost_lines=lost_lines,
            upstreams=routes.now,
            ledger=ledger.now,
            engines=engines,
        )
        means = Means(
            await stack.enter_async_context(counting(settings)),
            time.time,
            past=ledger.past,
            quotes=PriceQuotes(lambda: books.prices, books.estimator, time.time),
            watch=metrics.limits,
            settings=settings.limits,
        )
        sight = await stack.enter_async_context(
            seeing(settings, metrics=metrics, books=books, engines=engines, upstreams=routes.now)
        )
        supervisor.waited = metrics.engines.waited
        admission = await stack.enter_async_context(admitting(means))
        stack.push_async_callback(books.afterwards.aclose)
        gateway = Gateway(
            identify=Identify(accounts.store, accounts.master) if accounts else Anyone(),
            catalogue=routes.catalogue(settings),
            observer=Observers(*sight.observers, RequestLog(), metrics, ledger.endings),
            clock=time.monotonic,
            books=sight.books,
            admission=admission,
        )
        operations = Operations(
            readiness=lambda: readiness(gateway.catalogue, supervisor, missing, routes.now()),
            exposition=lambda: Exposition(CONTENT_TYPE, metrics.render()),
            now=sight.now,
        )
        reloads = await _reloads(settings, stack, gateway, routes, ledger, accounts=accounts, reread=reread)
        yield App(
            http=build(gateway, operations, settings.server, _administration(accounts, ledger)),
            gateway=gateway,
            supervisor=supervisor,
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


def _administration(accounts: Accounts | None, ledger: Ledger) -> Administration | None:
    if accounts is None or ledger.reports is None:
        return None
    return Administration(accounts.keyring, accounts.directory, accounts.audit, ledger.reports)


async def _routes(settings: Settings, stack: AsyncExitStack, local: list[Deployment]) -> Routes:
    memory = await stack.enter_async_context(remembering(settings))
    transport = LazyTransport(settings.proxies)
    stack.push_async_callback(transport.aclose)
    return Routes(local, memory, transport)


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
        health.watch(usable, routes.places(usable))

    reloads = Reloads(settings, reread=reread or (lambda: settings), apply=apply)
    if reread is not None:
        task = asyncio.create_task(reloads.run())

        async def stop() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        stack.push_async_callback(stop)
    return reloads
