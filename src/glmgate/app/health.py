"""Looks at upstreams that are to be looked at, between the requests that tell how they are.

What a look means for requests is decided by the breakers (`routing`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from glmgate.routing.breaker import Breaker
from glmgate.routing.health import HealthCheck
from glmgate.settings import Settings, UpstreamSettings
from glmgate.transport.interfaces import Outgoing, Timeouts, Transport

_MOST_BYTES = 4 << 20
_TIMEOUT_S = 5.0


class Health:
    """The looks at all upstreams; those of other settings take their place."""

    def __init__(self, transport: Transport, breaker: Callable[[str], Breaker]) -> None:
        self._transport = transport
        self._breaker = breaker
        self._tasks: list[asyncio.Task[None]] = []

    def watch(self, settings: Settings, places: dict[str, list[str]]) -> None:
        """Look at these settings' upstreams from now on; `places` are the deployments of each, by its name."""
        self._cancel()
        self._tasks = [asyncio.create_task(check.run()) for check in self._checks(settings, places)]

    async def aclose(self) -> None:
        """Look at nothing any more."""
        tasks = self._cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _cancel(self) -> list[asyncio.Task[None]]:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        return tasks

    def _checks(self, settings: Settings, places: dict[str, list[str]]) -> Iterator[HealthCheck]:
        for upstream in settings.upstreams:
            if upstream.check_s and (deployments := places.get(upstream.name)):
                probe = _Shared(self._probe(upstream))
                yield HealthCheck(
                    dict.fromkeys(deployments, probe),
                    self._breaker,
                    interval_s=upstream.check_s,
                    timeout_s=_TIMEOUT_S,
                )

    def _probe(self, upstream: UpstreamSettings) -> Callable[[], Awaitable[bool]]:
        """Lists the models: it costs nothing. Whatever the answer is, a service that gives one is there."""
        secret = upstream.credentials[0].secret if upstream.credentials else None

        async def probe() -> bool:
            headers = {} if secret is None else {"Authorization": f"Bearer {secret.reveal()}"}
            timeouts = Timeouts(connect_s=_TIMEOUT_S, first_s=_TIMEOUT_S, idle_s=_TIMEOUT_S, total_s=_TIMEOUT_S)
            asked = Outgoing(url=f"{upstream.base_url}/models", headers=headers, timeouts=timeouts)
            reply = await self._transport.get(asked, max_bytes=_MOST_BYTES)
            return reply.status < 500

        return probe


class _Shared:
    """One look for all deployments of an upstream: who asks while one is under way gets its result."""

    def __init__(self, probe: Callable[[], Awaitable[bool]]) -> None:
        self._probe = probe
        self._running: asyncio.Task[bool] | None = None

    async def __call__(self) -> bool:
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._look())
        return await self._running

    async def _look(self) -> bool:
        return await self._probe()
