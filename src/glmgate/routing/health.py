"""An active look at deployments, beside what real requests tell: optional, because a look costs the service something.

It only tells the breakers; who is asked is decided by them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from glmgate.routing.breaker import Breaker

_log = logging.getLogger(__name__)

Probe = Callable[[], Awaitable[bool]]
"""Asks a deployment whether it is well; an exception means that it is not."""


class HealthCheck:
    """Looks at every deployment of `probes` again and again, `interval_s` after the last look.

    `breaker` gives the breaker of a deployment's name. A probe that takes longer than `timeout_s` has failed.
    """

    def __init__(
        self,
        probes: Mapping[str, Probe],
        breaker: Callable[[str], Breaker],
        *,
        interval_s: float = 10.0,
        timeout_s: float = 5.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._probes = dict(probes)
        self._breaker = breaker
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._sleep = sleep

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await self._sleep(self._interval_s)

    async def look(self) -> None:
        """Look at all of them once, all at a time."""
        await asyncio.gather(*(self._look_at(deployment, probe) for deployment, probe in self._probes.items()))

    async def _look_at(self, deployment: str, probe: Probe) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                well = await probe()
        except Exception as exc:  # noqa: BLE001 a look is no request: whatever goes wrong in it is its result
            _log.info("the health check of %r failed: %s", deployment, type(exc).__name__)
            well = False
        self._breaker(deployment).found(ok=well)
