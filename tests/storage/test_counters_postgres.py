"""Tests of the counters in PostgreSQL: the suite of all stores, and what is the database's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from glmgate.storage.counters_postgres import PostgresCounters
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage
from tests.storage.counters_stage import RealStage


class TestPostgresCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    async def stage(self, postgres_url: str) -> AsyncIterator[Stage]:
        """Counters in a database that has no tables."""
        counters = PostgresCounters(postgres_url, lease_s=LEASE_S)
        yield RealStage(counters)
        await counters.aclose()
