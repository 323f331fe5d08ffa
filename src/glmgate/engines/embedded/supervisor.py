"""Children by model: started on demand, restarted after a crash, stopped when idle or when memory is short.

What is decided comes from `lifecycle`; here it is done. Nothing of requests or dialects is known.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final

from typing_extensions import override

from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.lifecycle import Happening, Phase, RestartPolicy, make_room
from glmgate.engines.embedded.machine import good_threads, memory_for_models
from glmgate.engines.embedded.process import StartFailed, launch
from glmgate.engines.embedded.resident import Child, Launch, ModelStatus, Resident, Running
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.slots import Slots
from glmgate.engines.embedded.spec import LocalModel, Plan, context_of, parameters, plan
from glmgate.errors import CapacityExceeded, Unavailable
from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.gguf import GgufFacts, read_facts

_log = logging.getLogger(__name__)

_BUSY_RETRY_S: Final = 5.0
_NOTICED_S: Final = 1.0


class Supervisor(Supervision):
    """Runs children. Everything happens in the event loop that it is used in."""

    def __init__(
        self,
        settings: EmbeddedSettings,
        *,
        start: Launch = launch,
        restarts: RestartPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._launch = start
        self._restarts = restarts or RestartPolicy()
        self._clock = clock
        self._budget = memory_for_models(settings.memory_bytes)
        self._residents: dict[str, Resident] = {}
        self._room = asyncio.Lock()
        self._left = asyncio.Event()
        self._closing = False
        self.waited: Callable[[str, float], object] = _nobody

    @override
    def context(self, facts: GgufFacts) -> int:
        return context_of(facts, self.settings, budget_bytes=self._budget)

    def slots(self, model: LocalModel) -> Slots:
        """The model's slots and queue."""
        return self._resident(model).slots

    @override
    def slot(self, model: LocalModel) -> AbstractAsyncContextManager[None]:
        return self.slots(model).hold()

    @override
    def runs(self, model: LocalModel) -> bool:
        resident = self._residents.get(model.name)
        return resident is not None and resident.running() is not None

    @override
    @asynccontextmanager
    async def lease(self, model: LocalModel, *, start: bool = True) -> AsyncIterator[Running]:
        if not start and not self.runs(model):
            raise Unavailable(f"The model {model.name!r} does not run now.", retry_after_s=_BUSY_RETRY_S)
        resident = self._resident(model)
        resident.leases += 1
        self._unwatch_idle(resident)
        try:
            yield await self._wanted(resident)
        finally:
            resident.leases -= 1
            resident.used_at = self._clock()
            self._watch_idle(resident)
            self._left.set()

    @override
    async def unreachable(self, model: LocalModel, pid: int) -> None:
        resident = self._resident(model)
        running = resident.running()
        if resident.watching is not None and running is not None and running.pid == pid:
            await asyncio.wait({resident.watching}, timeout=_NOTICED_S)

    def status(self) -> tuple[ModelStatus, ...]:
        """How every model that was asked for stands."""
        now = self._clock()
        return tuple(resident.status(now) for resident in self._residents.values())

    async def aclose(self, *, grace_s: float = 30.0) -> None:
        """Start no more children, let leases end within `grace_s` seconds, then end all children."""
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while any(resident.leases for resident in self._residents.values()):
                    self._left.clear()
                    await self._left.wait()
        await asyncio.gather(*(self._close(resident) for resident in self._residents.values()))

    # -- starting ------------------------------------------------------------------------------------------------

    def _resident(self, model: LocalModel) -> Resident:
        if model.name not in self._residents:
            slots = Slots(
                self.settings.parallel,
                self.settings.queue,
                clock=self._clock,
                waited=lambda seconds: self.waited(model.name, seconds),
            )
            self._residents[model.name] = Resident(model, slots)
        return self._residents[model.name]

    async def _wanted(self, resident: Resident) -> Running:
        """The running child; waits for it as long as the settings allow."""
        until = self._clock() + self.settings.start_wait_s
        while (running := resident.running()) is None:
            if self._closing:
                raise Unavailable("The server is shutting down.", retry_after_s=_BUSY_RETRY_S)
            if resident.changing is None:
                if resident.life.startable_in(self._clock()) > until - self._clock():
                    raise self._unavailable(resident)
                resident.changing = self._background(self._start(resident))
            await self._join(resident, resident.changing, until)
        return running

    async def _join(self, resident: Resident, change: asyncio.Task[None], until: float) -> None:
        """Wait for a change that others wait for too; who leaves does not end it for them."""
        done, _ = await asyncio.wait({change}, timeout=max(0.0, until - self._clock()))
        if not done:
            raise self._unavailable(resident)
        if not change.cancelled() and (failure := change.exception()) is not None:
            raise failure

    async def _start(self, resident: Resident) -> None:
        """Start the child. Everyone who waits for this task gets its error."""
        try:
            while (rest_s := resident.life.startable_in(self._clock())) > 0:  # noqa: ASYNC110 # a timer may come early
                await asyncio.sleep(rest_s)
            prepared = await asyncio.to_thread(self._prepare, resident.model)
            # Whoever ends a child holds this lock too, so a start finds each child either ready or ended.
            async with self._room:
                await self._make_room(resident, prepared)
                resident.plan = prepared
                self._happen(resident, Happening.WANTED)
            await self._launched(resident, prepared)
        finally:
            resident.changing = None

    def _prepare(self, model: LocalModel) -> Plan:
        """Read the file's header and decide how to run it. Runs in a thread: a vocabulary takes some 100 ms."""
        try:
            facts = read_facts(model.path)
            return plan(model, facts, self.settings, threads=good_threads(), budget_bytes=self._budget)
        except (WeightsUnreadable, OSError, UnicodeDecodeError) as exc:
            _log.error("model %r cannot be loaded: %s", model.name, exc)
            raise Unavailable(
                f"The model {model.name!r} cannot be loaded; the server's log says why.", retry=False
            ) from exc

    async def _make_room(self, resident: Resident, prepared: Plan) -> None:
        loaded = [other.loaded() for other in self._residents.values() if other is not resident]
        victims = make_room(loaded, needed_bytes=prepared.need.total, budget_bytes=self._budget)
        if victims is None and prepared.need.total > self._budget:
            raise Unavailable(
                f"The model {resident.model.name!r} needs {prepared.need.total >> 20} MiB of memory, but models may "
                f"use {self._budget >> 20} MiB. Set a shorter context, fewer slots or a larger budget.",
                retry=False,  # it never becomes true by waiting
            )
        if victims is None:
            raise CapacityExceeded(
                f"There is no memory for the model {resident.model.name!r} while others are answering.",
                retry_after_s=_BUSY_RETRY_S,
            )
        for name in victims:
            _log.info("model %r leaves memory to %r", name, resident.model.name)
            await self._stop(self._residents[name])

    async def _launched(self, resident: Resident, prepared: Plan) -> None:
        began = self._clock()
        try:
            child = await self._launch(parameters(prepared, self.settings), timeout_s=self.settings.start_timeout_s)
        except StartFailed as exc:
            self._broke(resident, str(exc))
            raise self._unavailable(resident) from exc
        except asyncio.CancelledError:
            self._happen(resident, Happening.STOP)
            self._happen(resident, Happening.ENDED)
            raise
        resident.child = child
        self._happen(resident, Happening.STARTED)
        resident.trouble = None
        resident.watching = self._background(self._watch(resident, child))
        self._watch_idle(resident)
        _log.info(
            "model %r is loaded: %d tokens of context for each of %d slots, %d threads, template %s, pid %d, %.1f s",
            resident.model.name, prepared.context, prepared.slots, prepared.threads, prepared.template.described,
            child.pid, self._clock() - began,
        )  # fmt: skip

    # -- ending --------------------------------------------------------------------------------------------------

    async def _watch(self, resident: Resident, child: Child) -> None:
        """Notice when a child ends by itself, and start the next one."""
        why = await child.wait()
        if resident.child is not child or resident.life.phase is not Phase.READY:
            return
        resident.child = None
        self._broke(resident, why)
        await child.end()
        rest_s = resident.life.startable_in(self._clock())
        if not self._closing and resident.changing is None and rest_s <= self._restarts.longest_s:
            # A restart that fails is not repeated from here: the next request asks for it.
            resident.changing = self._background(self._start(resident))

    def _broke(self, resident: Resident, why: str) -> None:
        self._happen(resident, Happening.BROKE)
        resident.breaks += 1
        resident.trouble = why
        _log.error("the engine of model %r broke: %s", resident.model.name, why)

    async def _stop(self, resident: Resident) -> None:
        """End a child that serves. Who calls holds `_room`."""
        child, resident.child = resident.child, None
        if child is None or resident.life.phase is not Phase.READY:
            return
        self._unwatch_idle(resident)
        self._happen(resident, Happening.STOP)
        await child.end()
        self._happen(resident, Happening.ENDED)

    def _watch_idle(self, resident: Resident) -> None:
        self._unwatch_idle(resident)
        if not resident.leases and resident.life.phase is Phase.READY:
            loop = asyncio.get_running_loop()
            resident.idle = loop.call_later(self.settings.idle_s, self._idle_over, resident)

    def _unwatch_idle(self, resident: Resident) -> None:
        if resident.idle is not None:
            resident.idle.cancel()
            resident.idle = None

    def _idle_over(self, resident: Resident) -> None:
        if not resident.leases and resident.changing is None:
            _log.info("model %r was not used for %g s", resident.model.name, self.settings.idle_s)
            resident.changing = self._background(self._stop_idle(resident))

    async def _stop_idle(self, resident: Resident) -> None:
        try:
            async with self._room:
                if not resident.leases:
                    await self._stop(resident)
        finally:
            resident.changing = None

    async def _close(self, resident: Resident) -> None:
        if resident.changing is not None:
            resident.changing.cancel()
            await asyncio.wait({resident.changing})
        async with self._room:
            await self._stop(resident)
        if resident.watching is not None:
            await asyncio.wait({resident.watching})

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work`; its error reaches those who wait for it, and is in log and status where nobody does."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    def _happen(self, resident: Resident, happening: Happening) -> None:
        resident.life = resident.life.after(happening, now=self._clock(), policy=self._restarts)

    def _unavailable(self, resident: Resident) -> Unavailable:
        rest_s = resident.life.startable_in(self._clock())
        state = "could not be started" if resident.life.phase is Phase.BROKEN else "is loading"
        return Unavailable(
            f"The model {resident.model.name!r} {state}. Try again later.", retry_after_s=max(1.0, rest_s)
        )


def _nobody(model: str, seconds: float) -> None:
    """Tells nobody."""
