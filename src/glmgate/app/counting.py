"""Opens the store that limits and budgets are counted in.

What is counted, and what holds while the store is away, is decided in `policy` and by the gateway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from glmgate.policy.counters import Counters, MemoryCounters
from glmgate.policy.settings import CounterStore
from glmgate.settings import Settings
from glmgate.storage.counters_postgres import PostgresCounters
from glmgate.storage.counters_redis import RedisCounters
from glmgate.storage.counters_sqlite import SqliteCounters
from glmgate.storage.private import make_private

FILE_NAME: Final = "counters.db"


@asynccontextmanager
async def counting(settings: Settings, *, parent: Counters | None = None) -> AsyncIterator[Counters]:
    """The store for this process. Only a file is opened now; the others by their first call.

    `parent` are those that a worker's parent keeps; they are the memory of a server of several workers.
    """
    store = chosen(settings)
    if store == "memory":
        yield MemoryCounters() if parent is None else parent
        return
    counters = _opened(store, settings)
    try:
        yield counters
    finally:
        await counters.aclose()


async def check_store(settings: Settings) -> None:
    """Raises SettingsError where `counting` would for the URL of Redis; nobody is connected, nothing is made."""
    if chosen(settings) == "redis":
        await _opened("redis", settings).aclose()


def chosen(settings: Settings) -> CounterStore:
    """The store that the settings name, or that `auto` comes to.

    Whose database is PostgreSQL may have other servers than this one. Without keys there is nothing to count.
    """
    if not settings.server.auth:
        return "memory"
    if settings.limits.store != "auto":
        return settings.limits.store
    if settings.storage.redis_url is not None:
        return "redis"
    if not settings.storage.url.startswith("sqlite"):
        return "database"
    return "memory"


def _opened(store: CounterStore, settings: Settings) -> SqliteCounters | PostgresCounters | RedisCounters:
    if store == "file":
        make_private(settings.home / FILE_NAME)
        return SqliteCounters(settings.home / FILE_NAME)
    if store == "database":
        return PostgresCounters(settings.storage.url)
    return RedisCounters(settings.storage.redis_url or "", prefix=settings.storage.redis_prefix)
