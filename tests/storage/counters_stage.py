"""A store of counters in real time, for the suite that all of them pass."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from glmgate.policy.counters import Counters


@dataclass(frozen=True)
class RealStage:
    """A store whose clock nobody moves."""

    counters: Counters

    def now(self) -> float:
        """The time."""
        return time.time()

    async def passes(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
