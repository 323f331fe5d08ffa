"""The life of a model's child process as a state machine, and who has to go when memory is short. Decides only.

Every rule about states and their changes lives here; clocks are numbers that are passed in, processes are not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Phase(Enum):
    """Where a child stands."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BROKEN = "broken"
    STOPPING = "stopping"


class Happening(Enum):
    """What can happen to it."""

    WANTED = "wanted"
    STARTED = "started"
    BROKE = "broke"
    STOP = "stop"
    ENDED = "ended"


TRANSITIONS: Final[Mapping[Phase, Mapping[Happening, Phase]]] = MappingProxyType(
    {
        Phase.STOPPED: {Happening.WANTED: Phase.STARTING},
        Phase.STARTING: {
            Happening.STARTED: Phase.READY,
            Happening.BROKE: Phase.BROKEN,
            Happening.STOP: Phase.STOPPING,
        },
        Phase.READY: {Happening.BROKE: Phase.BROKEN, Happening.STOP: Phase.STOPPING},
        Phase.BROKEN: {Happening.WANTED: Phase.STARTING, Happening.STOP: Phase.STOPPED},
        Phase.STOPPING: {Happening.ENDED: Phase.STOPPED},
    }
)


class IllegalHappening(Exception):
    """Something happened that cannot happen in this phase: a fault of the supervisor."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How soon a child may start again after it broke.

    The first break costs nothing, so that the next request is answered at once; then delays double from `first_s` up
    to `longest_s`. After `most_breaks` within `window_s` it rests for `rest_s`.
    """

    first_s: float = 0.5
    longest_s: float = 15.0
    most_breaks: int = 5
    window_s: float = 300.0
    rest_s: float = 60.0

    def delay_s(self, breaks: int) -> float:
        """Seconds to wait after the last of `breaks` breaks."""
        if breaks >= self.most_breaks:
            return self.rest_s
        return 0.0 if breaks <= 1 else min(self.longest_s, self.first_s * 2 ** (breaks - 2))


@dataclass(frozen=True, slots=True)
class Life:
    """A child's phase, the times of its recent breaks, and the time before which it must not start again."""

    phase: Phase = Phase.STOPPED
    broke_at: tuple[float, ...] = ()
    not_before: float = 0.0

    def startable_in(self, now: float) -> float:
        """Seconds until it may start; 0 when it may now."""
        return max(0.0, self.not_before - now)

    def after(self, happening: Happening, *, now: float, policy: RestartPolicy) -> Life:
        """The life after `happening`. Raises IllegalHappening."""
        phase = TRANSITIONS[self.phase].get(happening)
        if phase is None or (happening is Happening.WANTED and self.startable_in(now) > 0):
            raise IllegalHappening(f"{happening.value!r} cannot happen to a child that is {self.phase.value!r}")
        if happening is not Happening.BROKE:
            return Life(phase, self.broke_at, self.not_before)
        recent = (*(at for at in self.broke_at if at > now - policy.window_s), now)[-policy.most_breaks :]
        return Life(phase, recent, now + policy.delay_s(len(recent)))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that takes memory: how much, whether anybody uses it, when it was last used."""

    name: str
    memory_bytes: int
    leases: int
    used_at: float


def make_room(loaded: Sequence[Loaded], *, needed_bytes: int, budget_bytes: int) -> tuple[str, ...] | None:
    """The models to stop so that `needed_bytes` more fit, least recently used first; None when they cannot fit.

    A model with leases is never stopped.
    """
    free = budget_bytes - sum(model.memory_bytes for model in loaded)
    victims: list[str] = []
    for model in sorted((model for model in loaded if not model.leases), key=lambda model: model.used_at):
        if free >= needed_bytes:
            break
        victims.append(model.name)
        free += model.memory_bytes
    return tuple(victims) if free >= needed_bytes else None
