"""Tests of the counters in an SQLite file: the suite of all stores, and what is the file's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from glmgate.storage.counters_sqlite import SqliteCounters
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage
from tests.storage.counters_stage import RealStage


class TestSqliteCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[Stage]:
        """Counters in a new file."""
        counters = SqliteCounters(tmp_path / "counters.db", lease_s=LEASE_S)
        yield RealStage(counters)
        await counters.aclose()
