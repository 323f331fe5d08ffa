"""A worker as a process: started with the server's sockets and one end of a channel to its parent.

When one is started is decided by `workers`, what it may ask for by `parent`; what it does is in `worker`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Final

from typing_extensions import override

from glmgate.app.workers import Launch, Worker
from glmgate.errors import GlmgateError, SettingsError
from glmgate.telemetry.families import Totals
from glmgate.transport.peers import Peer, Services

READY: Final = "ready"
FAILED: Final = "failed"
HANDOVER: Final = "handover"
STOP: Final = "stop"
FORCE: Final = "force"
CHANGE: Final = "change"
METRICS: Final = "metrics"
UNDER_WAY: Final = "under way"

_log = logging.getLogger(__name__)

_READY_S: Final = 120.0
_METRICS_S: Final = 1.0
_ANSWER_S: Final = 2.0


class WorkerProcess(Worker):
    """A process of ours. `number` is its own for good."""

    def __init__(self, number: int, services: Services) -> None:
        self.number = number
        self.failure: str | None = None
        self.peer = Peer(
            Services(services.asks, services.holds, {**services.tells, READY: self._on_ready, FAILED: self._on_failed})
        )
        self._answers = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def open(self, command: Sequence[str], sockets: Sequence[int]) -> None:
        """Start it: `command` gets the number of its end of the channel, and these files of the server's."""
        ours, its = socket.socketpair()
        try:
            await self.peer.open(ours)
            self._process = await asyncio.create_subprocess_exec(
                *command, str(its.fileno()), stdin=asyncio.subprocess.DEVNULL, pass_fds=(its.fileno(), *sockets)
            )
        except BaseException:
            self.peer.close()
            raise
        finally:
            its.close()
        self.pid = self._process.pid

    @property
    def answers(self) -> bool:
        """Whether it was ready, and has not ended."""
        return self._answers.is_set() and not self.peer.lost.is_set()

    @override
    async def ready(self) -> None:
        waits = [asyncio.create_task(self._answers.wait()), asyncio.create_task(self.peer.lost.wait())]
        try:
            done, _ = await asyncio.wait(waits, timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        if not done:
            self.kill()
            self.failure = f"it was not ready within {_READY_S:g} s"
        if not self._answers.is_set():
            why = await self.wait()
            raise SettingsError(self.failure or f"A worker ended at its start: {why}. The log says more.")

    @override
    async def wait(self) -> str:
        assert self._process is not None
        code = await self._process.wait()
        await self.peer.lost.wait()
        end = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return f"{end}: {self.failure}" if self.failure else end

    @override
    def stop(self, *, at_once: bool) -> None:
        if self._answers.is_set():
            self.peer.tell(STOP, at_once)
        else:
            self.kill()

    @override
    def force(self) -> None:
        self.peer.tell(FORCE)

    @override
    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def _on_ready(self) -> None:
        self._answers.set()

    def _on_failed(self, message: str) -> None:
        self.failure = message


class Spawn(Launch):
    """Starts workers, and speaks to those that live. `command` is the program that a worker runs.

    `services` are what workers may ask for; the handover is asked of `hand_over` by each that begins. `totals` are the
    metrics of all workers that there were.
    """

    def __init__(
        self,
        command: Sequence[str],
        sockets: Sequence[int],
        *,
        services: Services,
        hand_over: Callable[[], bytes],
    ) -> None:
        self.totals = Totals()
        self._command = command
        self._sockets = sockets
        self._hand_over = hand_over
        self._services = Services({**services.asks, HANDOVER: self._handed_over}, services.holds, services.tells)
        self._numbers = count(1)
        self._living: dict[int, WorkerProcess] = {}
        self._ends: set[asyncio.Task[None]] = set()

    @override
    async def __call__(self) -> WorkerProcess:
        worker = WorkerProcess(next(self._numbers), self._services)
        await worker.open(self._command, self._sockets)
        self._living[worker.number] = worker
        end = asyncio.create_task(self._until_end(worker))
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)
        return worker

    async def change(self, packed: bytes) -> None:
        """Hand changed settings to all workers; returns when they hold there."""
        await self._of_all(CHANGE, packed)

    async def look(self) -> None:
        """Ask all workers for their metrics."""
        for number, shown in (await self._of_all(METRICS)).items():
            self.totals.update(number, shown)

    async def under_way(self) -> list[Mapping[str, Any]]:
        """What is going on in each worker."""
        return list((await self._of_all(UNDER_WAY)).values())

    async def run(self) -> None:
        """Look every second: what a worker has counted since then is not known when it is killed."""
        while True:
            await asyncio.sleep(_METRICS_S)
            await self.look()

    async def _handed_over(self) -> bytes:
        return self._hand_over()

    async def _of_all(self, what: str, *values: bytes) -> dict[int, Any]:
        """What each worker answers; one that does not answer in time, or begins or ends just now, is left out."""
        asked = [worker for worker in self._living.values() if worker.answers]
        answers = await asyncio.gather(*(_answer(worker, what, *values) for worker in asked))
        return {worker.number: answer for worker, answer in zip(asked, answers, strict=True) if answer is not _NONE}

    async def _until_end(self, worker: WorkerProcess) -> None:
        await worker.wait()
        del self._living[worker.number]
        self.totals.ended(worker.number)


_NONE: Final = object()


async def _answer(worker: WorkerProcess, what: str, *values: bytes) -> Any:  # noqa: ANN401 -- whatever was asked
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await worker.peer.ask(what, *values)
    except TimeoutError:
        _log.warning("the worker %d did not answer within %g s", worker.pid, _ANSWER_S)
    except GlmgateError as error:
        if not worker.peer.lost.is_set():
            _log.error("the worker %d failed: %s", worker.pid, error.message)
    return _NONE
