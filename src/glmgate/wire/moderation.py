"""What is asked of a hook that judges texts, and what it says.

How it is asked is the matter of whoever implements `Moderator`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call

Direction = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to be judged, and where it stands: `messages[2]`, `choices[0]`. It is in no `repr`."""

    place: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a hook says of the texts; `categories` are its words for what is wrong, `usage` the tokens that it tells."""

    flagged: bool
    categories: tuple[str, ...] = ()
    usage: Usage | None = None


class Moderator(Protocol):
    """Judges texts. May raise any GlmgateError; how long it may take is the business of whoever asks."""

    async def judge(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> Judgement:
        """What is to be thought of the passages of one request or answer."""
        ...
