"""Keeping workers: starting them, replacing one that ended, stopping them all. The workers are scripted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from glmgate.app.workers import Worker, Workers
from glmgate.engines.embedded.lifecycle import RestartPolicy
from glmgate.errors import SettingsError
from tests.transport.pairs import until

QUICK = RestartPolicy(first_s=0.01, longest_s=0.02, most_breaks=100)


@dataclass(eq=False)
class FakeWorker(Worker):
    """A worker that lives until a test ends it."""

    pid: int
    refusal: str | None = None
    obeys: bool = True
    orders: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    why: str = "exit status 0"

    async def ready(self) -> None:
        """Be ready at once, or fail."""
        if self.refusal is not None:
            self.die(self.refusal)
            raise SettingsError(self.refusal)

    async def wait(self) -> str:
        """Wait until it is ended."""
        await self.over.wait()
        return self.why

    def stop(self, *, at_once: bool) -> None:
        """Stop, where it obeys."""
        self.orders.append("stop at once" if at_once else "stop")
        if self.obeys:
            self.over.set()

    def force(self) -> None:
        """Stop now."""
        self.orders.append("force")
        self.over.set()

    def kill(self) -> None:
        """Be killed."""
        self.orders.append("kill")
        self.over.set()

    def die(self, why: str) -> None:
        """End by itself."""
        self.why = why
        self.over.set()


class FakeLaunch:
    """Starts scripted workers. `refusals` are why the next ones fail; `failures` how often no process can be made."""

    def __init__(self, *, refusals: tuple[str, ...] = (), obey: bool = True) -> None:
        self.workers: list[FakeWorker] = []
        self.refusals = list(refusals)
        self.failures = 0
        self._obey = obey

    async def __call__(self) -> FakeWorker:
        """Start one."""
        if self.failures:
            self.failures -= 1
            raise BlockingIOError("no more processes")
        refusal = self.refusals.pop(0) if self.refusals else None
        self.workers.append(FakeWorker(len(self.workers) + 1, refusal or None, obeys=self._obey))
        return self.workers[-1]


async def test_all_of_them_are_started() -> None:
    """And they are stopped together."""
    launch = FakeLaunch()
    workers = Workers(3, launch)
    await workers.start()
    assert (workers.ready, [worker.pid for worker in launch.workers]) == (3, [1, 2, 3])
    await workers.stop(within_s=1)
    assert [worker.orders for worker in launch.workers] == [["stop"]] * 3
    assert workers.ready == 0


async def test_one_that_cannot_begin_ends_the_start() -> None:
    """With its reason, and with nobody left behind."""
    launch = FakeLaunch(refusals=("", "the database is gone"))
    with pytest.raises(SettingsError, match="the database is gone"):
        await Workers(3, launch).start()
    assert all(worker.over.is_set() for worker in launch.workers)


async def test_one_that_ended_is_replaced() -> None:
    """At once, and the log says which one and why."""
    launch = FakeLaunch()
    workers = Workers(2, launch, policy=QUICK)
    await workers.start()
    with capture_logs() as logs:
        launch.workers[0].die("signal SIGKILL")
        await until(lambda: workers.ready == 2 and len(launch.workers) == 3)
    assert [(entry["pid"], entry["why"], entry["pause_s"]) for entry in logs] == [(1, "signal SIGKILL", 0)]
    assert workers.replaced == 1
    await workers.stop(within_s=1)
    assert launch.workers[0].orders == []


async def test_one_that_ends_again_and_again_is_replaced_less_often() -> None:
    """Pauses grow up to the longest; it goes on for as long as the server does."""
    launch = FakeLaunch()
    policy = RestartPolicy(first_s=0.01, longest_s=0.04, most_breaks=100)
    workers = Workers(1, launch, policy=policy)
    await workers.start()
    launch.refusals = ["broken"] * 5
    with capture_logs() as logs:
        launch.workers[0].die("broken")
        await until(lambda: len(launch.workers) == 7)
    assert [entry["pause_s"] for entry in logs] == [0, 0.01, 0.02, 0.04, 0.04, 0.04]
    assert workers.ready == 1
    await workers.stop(within_s=1)


async def test_a_machine_without_room_is_asked_again() -> None:
    """The place is not given up, and the log says why it is empty."""
    launch = FakeLaunch()
    workers = Workers(1, launch, policy=QUICK)
    await workers.start()
    launch.failures = 2
    with capture_logs() as logs:
        launch.workers[0].die("signal SIGKILL")
        await until(lambda: workers.replaced == workers.ready == 1)
    assert [entry["why"] for entry in logs if "started" in entry["event"]] == ["no more processes"] * 2
    assert len(launch.workers) == 2
    await workers.stop(within_s=1)


async def test_nobody_is_replaced_while_all_are_stopping() -> None:
    """Neither those that end then, nor one whose place was still to be taken."""
    launch = FakeLaunch()
    workers = Workers(2, launch, policy=RestartPolicy(first_s=60, longest_s=60))
    await workers.start()
    for pid in (1, 3):
        launch.workers[pid - 1].die("broken")
        await until(lambda: workers.ready == (2 if len(launch.workers) == 3 and pid == 1 else 1))  # noqa: B023
    await workers.stop(within_s=1)
    assert len(launch.workers) == 3


async def test_those_that_do_not_end_are_killed() -> None:
    """After the time that they had, and the log says so."""
    launch = FakeLaunch(obey=False)
    workers = Workers(2, launch)
    await workers.start()
    with capture_logs() as logs:
        await workers.stop(at_once=True, within_s=0.01)
    assert [worker.orders for worker in launch.workers] == [["stop at once", "kill"]] * 2
    assert sorted(logs[0]["pids"]) == [1, 2]


async def test_those_that_are_stopping_may_be_hurried() -> None:
    """As by a second interrupt."""
    launch = FakeLaunch(obey=False)
    workers = Workers(1, launch)
    await workers.start()
    stopping = asyncio.create_task(workers.stop(within_s=60))
    await until(lambda: launch.workers[0].orders)
    workers.hurry()
    await asyncio.wait_for(stopping, 5)
    assert launch.workers[0].orders == ["stop", "force"]
