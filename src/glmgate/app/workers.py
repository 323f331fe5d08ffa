"""Keeps the workers of a server: starts them, puts another one in the place of one that ended, stops them all.

What a worker is and does is not known here (`spawn`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final, Protocol

from glmgate.engines.embedded.lifecycle import RestartPolicy
from glmgate.errors import SettingsError
from glmgate.telemetry.log import get_logger

# Another worker at once, so that one that was killed is hardly missed; one that cannot live must not keep the machine
# busy. The others answer in the meantime.
_POLICY: Final = RestartPolicy(first_s=0.5, longest_s=10.0, most_breaks=8, window_s=60.0, rest_s=30.0)


class Worker(Protocol):
    """A process that answers requests."""

    pid: int

    async def ready(self) -> None:
        """Wait until it answers requests. Raises SettingsError with the reason where it ends before that."""
        ...

    async def wait(self) -> str:
        """Wait until it has ended and all that it held is free; return why it ended."""
        ...

    def stop(self, *, at_once: bool) -> None:
        """Ask it to stop after the answers under way; `at_once`: to take no new connection from now on."""
        ...

    def force(self) -> None:
        """Ask it to wait for no answer."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


class Launch(Protocol):
    """Starts a worker."""

    async def __call__(self) -> Worker:
        """A worker that was started, and may not be ready yet."""
        ...


class Workers:
    """So many workers at all times. `replaced` have ended, and others took their places."""

    def __init__(
        self,
        count: int,
        launch: Launch,
        *,
        policy: RestartPolicy = _POLICY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.replaced = 0
        self._count = count
        self._launch = launch
        self._policy = policy
        self._clock = clock
        self._living: set[Worker] = set()
        self._ready: set[Worker] = set()
        self._keeping: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._log = get_logger("glmgate.workers")

    @property
    def ready(self) -> int:
        """How many answer requests now."""
        return len(self._ready)

    async def start(self) -> None:
        """Start all of them; return when all answer. Raises SettingsError where one cannot."""
        try:
            workers = [await self._started() for _ in range(self._count)]
            await asyncio.gather(*(self._begun(worker) for worker in workers))
        except BaseException:
            await self._kill()
            raise
        self._keeping = [asyncio.create_task(self._keep(worker)) for worker in workers]

    async def stop(self, *, at_once: bool = False, within_s: float) -> None:
        """Stop all of them; those that have not ended in time are killed."""
        self._stopping.set()
        for worker in self._living:
            worker.stop(at_once=at_once)
        if self._keeping:
            _, late = await asyncio.wait(self._keeping, timeout=within_s)
            if late:
                pids = [worker.pid for worker in self._living]
                self._log.error("workers have not ended in time and are killed", pids=pids)
        await self._kill()
        await asyncio.gather(*self._keeping)

    def hurry(self) -> None:
        """Let those that are stopping wait for no answer."""
        for worker in self._living:
            worker.force()

    async def _keep(self, first: Worker) -> None:
        """Put another one in the place of one that ended, until all are to stop."""
        worker: Worker | None = first
        broke: list[float] = []
        while worker is not None:
            why = await self._ended(worker)
            if self._stopping.is_set():
                return
            now = self._clock()
            broke = [*(at for at in broke if at > now - self._policy.window_s), now]
            pause_s = self._policy.delay_s(len(broke))
            self._log.error("a worker ended, another one takes its place", pid=worker.pid, why=why, pause_s=pause_s)
            worker = await self._another(pause_s)

    async def _another(self, pause_s: float) -> Worker | None:
        """Another worker after a pause; None where all are to stop."""
        while not await self._stops_within(pause_s):
            try:
                worker = await self._started()
            except OSError as error:  # the machine has no room for another process just now
                self._log.error("no worker can be started", why=str(error))
                pause_s = max(pause_s, self._policy.first_s)
                continue
            self.replaced += 1
            with contextlib.suppress(SettingsError):  # its end says why
                await self._begun(worker)
            if self._stopping.is_set():
                worker.stop(at_once=True)
            return worker
        return None

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stopping.wait()
        except TimeoutError:
            return self._stopping.is_set()

    async def _started(self) -> Worker:
        worker = await self._launch()
        self._living.add(worker)
        return worker

    async def _begun(self, worker: Worker) -> None:
        await worker.ready()
        self._ready.add(worker)

    async def _ended(self, worker: Worker) -> str:
        why = await worker.wait()
        self._living.discard(worker)
        self._ready.discard(worker)
        return why

    async def _kill(self) -> None:
        for worker in self._living:
            worker.kill()
        await asyncio.gather(*(worker.wait() for worker in self._living))
