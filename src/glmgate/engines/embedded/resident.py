"""What is kept of one model while the server runs, and what the supervisor needs of a child process.

Holds state; every change to it is made by the supervisor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from glmgate.engines.embedded.lifecycle import Life, Loaded, Phase
from glmgate.engines.embedded.process import Endpoint
from glmgate.engines.embedded.slots import Slots
from glmgate.engines.embedded.spec import LocalModel, Plan


class Child(Protocol):
    """What the supervisor needs of a running child process."""

    @property
    def pid(self) -> int:
        """The process id."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """Where it serves."""
        ...

    async def wait(self) -> str:
        """Wait until it has ended; return why."""
        ...

    async def end(self) -> None:
        """End it and remove what it leaves."""
        ...


class Launch(Protocol):
    """Starts a child. Raises StartFailed."""

    def __call__(self, parameters: Mapping[str, Any], *, timeout_s: float) -> Awaitable[Child]:
        """Start a child and wait until it serves."""
        ...


@dataclass(frozen=True, slots=True)
class Running:
    """A child that serves, and the tokens that each of its requests may have."""

    pid: int
    endpoint: Endpoint
    context: int


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """How a model stands. `retry_in_s` is 0 where it may start at once; `trouble` is the last reason why it broke.

    `slots` is how many requests it answers at once, `cells` how many tokens the cache of all of them can hold.
    """

    name: str
    phase: Phase
    busy: int
    waiting: int
    leases: int
    memory_bytes: int
    breaks: int
    retry_in_s: float
    trouble: str | None
    slots: int = 0
    cells: int = 0


class Resident:
    """What is kept of one model while the server runs."""

    def __init__(self, model: LocalModel, slots: Slots) -> None:
        self.model = model
        self.slots = slots
        self.life = Life()
        self.plan: Plan | None = None
        self.child: Child | None = None
        self.changing: asyncio.Task[None] | None = None
        self.watching: asyncio.Task[None] | None = None
        self.idle: asyncio.TimerHandle | None = None
        self.leases = 0
        self.used_at = 0.0
        self.breaks = 0
        self.trouble: str | None = None

    @property
    def memory_bytes(self) -> int:
        """What it takes now: nothing where no child runs."""
        held = self.life.phase in (Phase.STARTING, Phase.READY, Phase.STOPPING)
        return self.plan.need.total if held and self.plan else 0

    def running(self) -> Running | None:
        """The child, where one serves."""
        if self.life.phase is not Phase.READY or self.child is None or self.plan is None:
            return None
        return Running(self.child.pid, self.child.endpoint, self.plan.context)

    def loaded(self) -> Loaded:
        """How it looks to who needs memory: a child that is just starting or stopping counts as in use."""
        passing = self.life.phase is not Phase.READY
        return Loaded(self.model.name, self.memory_bytes, self.leases + passing, self.used_at)

    def status(self, now: float) -> ModelStatus:
        """How it stands at `now`."""
        return ModelStatus(
            name=self.model.name,
            phase=self.life.phase,
            busy=self.slots.busy,
            waiting=self.slots.waiting,
            leases=self.leases,
            memory_bytes=self.memory_bytes,
            breaks=self.breaks,
            retry_in_s=self.life.startable_in(now),
            trouble=self.trouble,
            slots=self.slots.limit,
            cells=self.plan.context * self.plan.slots if self.plan else 0,
        )
