"""Tests of the counters in Redis: the suite of all stores, and what is the server's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from glmgate.storage.counters_redis import RedisCounters
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage
from tests.servers.redis import Redis
from tests.storage.counters_stage import RealStage


class TestRedisCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    async def stage(self, redis: Redis) -> AsyncIterator[Stage]:
        """Counters in an empty server."""
        counters = RedisCounters(redis.url, lease_s=LEASE_S)
        yield RealStage(counters)
        await counters.aclose()
