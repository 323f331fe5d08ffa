"""A journal and a spending that remember what they were told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from glmgate.errors import GlmgateError
from glmgate.policy.ledger import Ended, Reserved, Settled
from glmgate.wire.charge import Charge
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Place


@dataclass(slots=True)
class FakeJournal:
    """Takes rows. `refusal` is raised instead of taking a reservation; `gate` is waited for after one was taken."""

    refusal: GlmgateError | None = None
    gate: asyncio.Event | None = None
    reservations: list[Reserved] = field(default_factory=list)
    settlements: list[Settled] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)

    async def reserved(self, row: Reserved) -> None:
        """Take it."""
        if self.refusal is not None:
            raise self.refusal
        self.reservations.append(row)
        if self.gate is not None:
            await self.gate.wait()

    def settled(self, row: Settled) -> None:
        """Take it."""
        self.settlements.append(row)

    def ended(self, row: Ended) -> None:
        """Take it."""
        self.ends.append(row)

    @property
    def outcomes(self) -> list[str]:
        """What came of the attempts, in the order in which they were settled."""
        return [row.outcome for row in self.settlements]

    @property
    def is_balanced(self) -> bool:
        """Whether each reservation was settled once, and nothing else was."""
        reserved = sorted(row.id for row in self.reservations)
        return reserved == sorted(row.id for row in self.settlements) and len(set(reserved)) == len(reserved)


@dataclass(slots=True)
class FakeSpending:
    """Allows every attempt, unless there is a `refusal`."""

    refusal: GlmgateError | None = None
    held: list[Charge] = field(default_factory=list)
    spent: list[Charge] = field(default_factory=list)

    async def attempt(
        self, call: Call, place: Place, request: Generation | EmbeddingsRequest, estimate: Charge
    ) -> None:
        """Hold the estimate."""
        if self.refusal is not None:
            raise self.refusal
        self.held.append(estimate)

    def settled(self, call: Call, estimate: Charge, charge: Charge) -> None:
        """Let go of the estimate."""
        self.held.remove(estimate)
        self.spent.append(charge)
