"""What attempts need of an upstream's credentials, be their slots kept in this process or in its parent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from glmgate.errors import CapacityExceeded, GlmgateError
from glmgate.routing.learning import Learn


class NoSlot(CapacityExceeded):
    """Nobody was asked: all slots are taken, resting or parked. Asking the same pool again at once is useless."""


@dataclass(frozen=True, slots=True)
class CredentialState:
    """One credential as it stands. Times are Unix seconds; `limit` is the calls at once that are allowed now."""

    place: int
    in_flight: int
    limit: int
    parked_until: float | None
    resting_until: float | None
    draining: bool


@dataclass(frozen=True, slots=True)
class PoolState:
    """One upstream's credentials as they stand, and how many requests wait for a slot."""

    name: str
    waiting: int
    credentials: tuple[CredentialState, ...]


class SlotLease(AbstractContextManager["SlotLease", None], Protocol):
    """The right to have one call in flight on `credential`, until it is released."""

    credential: int

    def release(self) -> None:
        """Give the slot back; once is enough."""
        ...

    def went_well(self) -> None:
        """The call got an answer: a learned limit may grow."""
        ...

    def overloaded(self) -> None:
        """The call was refused for the rate: the limit shrinks."""
        ...


class SlotPool(Protocol):
    """The slots of an upstream's credentials. A credential is spoken of by its place, never given to another one."""

    async def acquire(
        self,
        key_id: str,
        *,
        timeout_s: float,
        avoid: frozenset[int] = frozenset(),
        among: Collection[int] | None = None,
    ) -> SlotLease:
        """A slot of any credential, or of one `among` those given, but of none to `avoid`; waits in turn for it.

        Raises NoSlot when the queue is full or `timeout_s` are over, and at once when no credential will be ready by
        then: then also QuotaExhausted or CredentialRefused, by what had all of them parked.
        """
        ...

    def park(self, credential: int, until: float | None, *, reason: GlmgateError | None = None) -> None:
        """Give no slot of `credential` before `until` (Unix seconds; None: not known, 5 minutes and growing)."""
        ...

    def rest(self, credential: int, seconds: float) -> None:
        """Give no slot of `credential` for so long; requests whose deadline is later wait for it."""
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """A pool, and where in it the credentials are that were asked for, in their order."""

    pool: SlotPool
    places: tuple[int, ...]


class Pools(Protocol):
    """The pools of all upstreams, which outlive reloads of the settings."""

    def places(self, name: str, fingerprints: Sequence[str], *, limit: int | Learn, queue_limit: int) -> Places:
        """The pool of the upstream `name`, the same one as before, with these credentials from now on."""
        ...

    def keep(self, names: Collection[str]) -> None:
        """Forget all others. Requests that still run on them keep what they hold."""
        ...

    def state(self) -> tuple[PoolState, ...]:
        """How those stand that are kept here."""
        ...
