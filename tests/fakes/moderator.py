"""A hook that judges as a test says, and remembers what it was shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from glmgate.wire.engine import Call
from glmgate.wire.moderation import Direction, Judgement, Passage


@dataclass(slots=True)
class FakeModerator:
    """Flags passages that hold `bad`; or raises `error`, or never answers while `silent`."""

    bad: str = "bad"
    error: Exception | None = None
    silent: bool = False
    categories: tuple[str, ...] = ("hate",)
    shown: list[tuple[Direction, tuple[Passage, ...]]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    async def judge(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> Judgement:
        """As the test says."""
        self.calls.append(call)
        self.shown.append((direction, passages))
        await asyncio.sleep(3600 if self.silent else 0)
        if self.error is not None:
            raise self.error
        flagged = any(self.bad in passage.text for passage in passages)
        return Judgement(flagged=flagged, categories=self.categories if flagged else ())

    @property
    def texts(self) -> list[str]:
        """All texts that it was shown, one for each question."""
        return ["|".join(passage.text for passage in passages) for _, passages in self.shown]
