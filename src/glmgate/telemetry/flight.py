"""A request under way, as those who watch it see it: who asks for what, and how far its answer has come.

The gateway keeps it up to date; what is shown of it is decided by who looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from glmgate.wire.delta import Delta, FinishReason, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Endpoint, Generation
from glmgate.wire.rerank import RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest

Asked = Generation | EmbeddingsRequest | RerankRequest | TokenizerRequest
"""Whatever a caller may ask of a model."""

State = Literal["queued", "waiting", "streaming"]
"""Nothing was sent yet; the first words are waited for; they have come."""

Tap = Callable[[tuple[Delta, ...]], None]


@dataclass(slots=True, eq=False)
class Flight:
    """One request under way. Times are seconds of the gateway's clock.

    `request` is what was asked; from `passed` on it is as filters let it through: before, nobody may show it.
    `deployment` is who answers, as far as it is known; `place` where
    the last attempt went. `first` and `last` are when the first and the last words came, `longest_s` the longest
    silence between two reads, `reads` how many said something. `tap`, where one is set, gets every delta that goes
    to the client.
    """

    call: Call
    request: Asked
    endpoint: Endpoint
    began: float
    deployment: str = ""
    place: str = ""
    passed: bool = False
    first: float | None = None
    last: float = 0.0
    longest_s: float = 0.0
    reads: int = 0
    pieces: int = 0
    usage: dict[int, Usage] = field(default_factory=dict)
    reasons: list[FinishReason] = field(default_factory=list)
    tap: Tap | None = None

    def passes(self, request: Asked) -> None:
        """Filters have let it through so."""
        self.request, self.passed = request, True

    def said(self, pieces: int, now: float) -> None:
        """So many deltas that say something came in one read."""
        if self.first is None:
            self.first = now
        else:
            self.longest_s = max(self.longest_s, now - self.last)
        self.last = now
        self.reads += 1
        self.pieces += pieces

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.first is not None:
            return "streaming"
        return "waiting" if self.place else "queued"

    @property
    def used(self) -> Usage:
        """The tokens of all choices, as they are told."""
        told = tuple(self.usage.values())
        return told[0] if len(told) == 1 else sum(told, Usage())

    @property
    def tokens(self) -> int:
        """The answer's tokens so far: as they are told, else a token for each piece."""
        return sum(usage.completion for usage in self.usage.values()) or self.pieces

    def tokens_per_s(self, now: float) -> float:
        """Since the first words came, up to `now`."""
        if self.first is None or now <= self.first:
            return 0.0
        return self.tokens / (now - self.first)

    @property
    def token_s(self) -> float | None:
        """The mean time from one token to the next; None where the answer came in one piece."""
        if self.first is None or self.reads < 2:
            return None
        return (self.last - self.first) / max(1, self.tokens - 1)

    @property
    def gap_s(self) -> float | None:
        """The longest silence within the answer; None where it came in one piece."""
        return self.longest_s if self.reads > 1 else None
